-- +goose Up

-- The place of an entry in the log, from 0; NULL until the sequencer has numbered it.
ALTER TABLE entries ADD COLUMN leaf_index bigint CHECK (leaf_index >= 0);

-- An index with a condition is none that a foreign key could use, so that to number an entry needs no lock against those who refer to it.
CREATE UNIQUE INDEX entries_leaf_index ON entries (leaf_index) WHERE leaf_index IS NOT NULL;
CREATE INDEX entries_unsequenced ON entries (id) WHERE leaf_index IS NULL;

DROP TRIGGER entries_change_only_by_erasure ON entries;

CREATE TRIGGER entries_change_only_by_erasure_or_numbering BEFORE UPDATE ON entries FOR EACH ROW
WHEN (NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.at = OLD.at AND NEW.actor = OLD.actor AND NEW.facts::text = OLD.facts::text
    AND NEW.personal_sha256 IS NOT DISTINCT FROM OLD.personal_sha256
    AND (NEW.personal IS NULL AND NEW.salt IS NULL AND NEW.leaf_index IS NOT DISTINCT FROM OLD.leaf_index
        OR NEW.personal::text IS NOT DISTINCT FROM OLD.personal::text AND NEW.salt IS NOT DISTINCT FROM OLD.salt
            AND OLD.leaf_index IS NULL AND NEW.leaf_index IS NOT NULL)))
EXECUTE FUNCTION refuse('an entry changes only by erasure of its personal data and by getting its place in the log');

-- The hashes of the tree in tiles of 256 (C2SP tlog-tiles). The last one of each level may be partial, and grows.
CREATE TABLE tiles (
    level  integer NOT NULL CHECK (level BETWEEN 0 AND 6),
    number bigint  NOT NULL CHECK (number >= 0), -- within the level, from 0
    hashes bytea   NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
    PRIMARY KEY (level, number)
);

CREATE TRIGGER tiles_only_grow BEFORE UPDATE ON tiles FOR EACH ROW
WHEN (NOT (NEW.level = OLD.level AND NEW.number = OLD.number AND substring(NEW.hashes FOR octet_length(OLD.hashes)) = OLD.hashes))
EXECUTE FUNCTION refuse('tiles only grow');

CREATE TRIGGER tiles_are_never_deleted BEFORE DELETE OR TRUNCATE ON tiles
EXECUTE FUNCTION refuse('tiles are never deleted');

-- The heads of the tree, one after the other. Each is recorded first and signed then.
CREATE TABLE checkpoints (
    size       bigint         PRIMARY KEY,
    previous   bigint         NOT NULL UNIQUE CHECK (previous >= 0), -- size of the head before, 0 for the first: no head has two successors
    root       bytea          NOT NULL CHECK (octet_length(root) = 32),
    at         timestamptz(3) NOT NULL,
    checkpoint text           CHECK (checkpoint <> ''), -- signed note (C2SP tlog-checkpoint); NULL until it is signed
    CHECK (size > previous)
);

CREATE TRIGGER checkpoints_change_only_by_signing BEFORE UPDATE ON checkpoints FOR EACH ROW
WHEN (NOT (NEW.size = OLD.size AND NEW.previous = OLD.previous AND NEW.root = OLD.root AND NEW.at = OLD.at
    AND NEW.checkpoint IS NOT NULL AND coalesce(OLD.checkpoint, NEW.checkpoint) = NEW.checkpoint))
EXECUTE FUNCTION refuse('a head changes only by being signed');

CREATE TRIGGER checkpoints_are_never_deleted BEFORE DELETE OR TRUNCATE ON checkpoints
EXECUTE FUNCTION refuse('checkpoints are never deleted');
