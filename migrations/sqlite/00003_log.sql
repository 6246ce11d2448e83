-- +goose Up

-- The place of an entry in the log, from 0; NULL until the sequencer has numbered it.
ALTER TABLE entries ADD COLUMN leaf_index INTEGER CHECK (leaf_index >= 0);

CREATE UNIQUE INDEX entries_leaf_index ON entries (leaf_index) WHERE leaf_index IS NOT NULL;
CREATE INDEX entries_unsequenced ON entries (id) WHERE leaf_index IS NULL;

DROP TRIGGER entries_change_only_by_erasure;

-- +goose StatementBegin
CREATE TRIGGER entries_change_only_by_erasure_or_numbering BEFORE UPDATE ON entries
WHEN NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.at = OLD.at AND NEW.actor = OLD.actor AND NEW.facts = OLD.facts
    AND NEW.personal_sha256 IS OLD.personal_sha256
    AND (NEW.personal IS NULL AND NEW.salt IS NULL AND NEW.leaf_index IS OLD.leaf_index
        OR NEW.personal IS OLD.personal AND NEW.salt IS OLD.salt AND OLD.leaf_index IS NULL AND NEW.leaf_index IS NOT NULL))
BEGIN
    SELECT RAISE(ABORT, 'an entry changes only by erasure of its personal data and by getting its place in the log');
END;
-- +goose StatementEnd

DROP TRIGGER entries_are_never_replaced;

-- +goose StatementBegin
CREATE TRIGGER entries_are_never_replaced BEFORE INSERT ON entries
WHEN NEW.leaf_index IS NOT NULL OR EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'entries are never replaced');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_replace_none_by_numbering BEFORE UPDATE OF leaf_index ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE leaf_index = NEW.leaf_index AND id <> OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'entries are never replaced');
END;
-- +goose StatementEnd

-- The hashes of the tree in tiles of 256 (C2SP tlog-tiles). The last one of each level may be partial, and grows.
CREATE TABLE tiles (
    level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 6),
    number INTEGER NOT NULL CHECK (number >= 0), -- within the level, from 0
    hashes BLOB    NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, number)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER tiles_only_grow BEFORE UPDATE ON tiles
WHEN NOT (NEW.rowid = OLD.rowid AND NEW.level = OLD.level AND NEW.number = OLD.number AND substr(NEW.hashes, 1, length(OLD.hashes)) = OLD.hashes)
BEGIN
    SELECT RAISE(ABORT, 'tiles only grow');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tiles_are_never_deleted BEFORE DELETE ON tiles
BEGIN
    SELECT RAISE(ABORT, 'tiles are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tiles_are_never_replaced BEFORE INSERT ON tiles
WHEN EXISTS (SELECT 1 FROM tiles WHERE rowid = NEW.rowid OR level = NEW.level AND number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'tiles are never replaced');
END;
-- +goose StatementEnd

-- The heads of the tree, one after the other. Each is recorded first and signed then.
CREATE TABLE checkpoints (
    size       INTEGER NOT NULL PRIMARY KEY,
    previous   INTEGER NOT NULL UNIQUE CHECK (previous >= 0), -- size of the head before, 0 for the first: no head has two successors
    root       BLOB    NOT NULL CHECK (length(root) = 32),
    at         INTEGER NOT NULL,
    checkpoint TEXT    CHECK (checkpoint <> ''), -- signed note (C2SP tlog-checkpoint); NULL until it is signed
    CHECK (size > previous)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER checkpoints_change_only_by_signing BEFORE UPDATE ON checkpoints
WHEN NOT (NEW.size = OLD.size AND NEW.previous = OLD.previous AND NEW.root = OLD.root AND NEW.at = OLD.at
    AND NEW.checkpoint IS NOT NULL AND coalesce(OLD.checkpoint, NEW.checkpoint) = NEW.checkpoint)
BEGIN
    SELECT RAISE(ABORT, 'a head changes only by being signed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER checkpoints_are_never_deleted BEFORE DELETE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER checkpoints_are_never_replaced BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size OR previous = NEW.previous)
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are never replaced');
END;
-- +goose StatementEnd
