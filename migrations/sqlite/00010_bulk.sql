-- +goose Up

-- Bulk revocations: a list of cards that is fixed when it is planned, and how far the work on it is.
CREATE TABLE bulk_revocations (
    number       INTEGER PRIMARY KEY,
    bulk_id      TEXT    NOT NULL UNIQUE CHECK (length(bulk_id) = 32 AND bulk_id NOT GLOB '*[^0-9a-f]*'),
    selection    TEXT    NOT NULL,
    requester    TEXT    NOT NULL CHECK (requester <> ''),
    reason       TEXT    NOT NULL CHECK (reason <> ''),
    ground       TEXT    NOT NULL CHECK (ground <> ''),
    requested_at INTEGER NOT NULL,
    planned_at   INTEGER NOT NULL,
    planned_by   TEXT    NOT NULL CHECK (planned_by <> ''),
    cards        INTEGER NOT NULL CHECK (cards > 0),
    list_sha256  BLOB    NOT NULL CHECK (length(list_sha256) = 32),
    entry_id     INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    state        TEXT    NOT NULL CHECK (state IN ('planned', 'running', 'paused', 'ended')),
    done         INTEGER NOT NULL CHECK (done BETWEEN 0 AND cards),
    revoked      INTEGER NOT NULL CHECK (revoked BETWEEN 0 AND done), -- those done that were not revoked before
    started_by   TEXT    CHECK (started_by <> ''),
    started_at   INTEGER,
    ended_at     INTEGER,
    CHECK ((state = 'planned') = (started_at IS NULL) AND (started_by IS NULL) = (started_at IS NULL)),
    CHECK (state <> 'planned' OR done = 0),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL) AND (state <> 'ended' OR done = cards))
) STRICT;

CREATE INDEX bulk_revocations_running ON bulk_revocations (number) WHERE state = 'running';

-- +goose StatementBegin
CREATE TRIGGER bulk_revocations_lead_forward BEFORE UPDATE ON bulk_revocations
WHEN NOT (NEW.number = OLD.number AND NEW.bulk_id = OLD.bulk_id AND NEW.selection = OLD.selection AND NEW.requester = OLD.requester
    AND NEW.reason = OLD.reason AND NEW.ground = OLD.ground AND NEW.requested_at = OLD.requested_at AND NEW.planned_at = OLD.planned_at
    AND NEW.planned_by = OLD.planned_by AND NEW.cards = OLD.cards AND NEW.list_sha256 = OLD.list_sha256 AND NEW.entry_id = OLD.entry_id
    AND coalesce(OLD.started_at, NEW.started_at) IS NEW.started_at AND coalesce(OLD.started_by, NEW.started_by) IS NEW.started_by
    AND OLD.state <> 'ended' AND NEW.state <> 'planned' AND NEW.done >= OLD.done AND NEW.revoked - OLD.revoked BETWEEN 0 AND NEW.done - OLD.done
    AND (NEW.done = OLD.done OR OLD.state = 'running' AND NEW.state = 'running'))
BEGIN
    SELECT RAISE(ABORT, 'a bulk revocation only leads forward');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bulk_revocations_are_never_deleted BEFORE DELETE ON bulk_revocations
BEGIN
    SELECT RAISE(ABORT, 'bulk revocations are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bulk_revocations_are_never_replaced BEFORE INSERT ON bulk_revocations
WHEN EXISTS (SELECT 1 FROM bulk_revocations WHERE number = NEW.number OR bulk_id = NEW.bulk_id OR entry_id = NEW.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'bulk revocations are never replaced');
END;
-- +goose StatementEnd

CREATE TABLE bulk_cards (
    bulk  INTEGER NOT NULL REFERENCES bulk_revocations (number),
    place INTEGER NOT NULL CHECK (place >= 0), -- from 0
    card  INTEGER NOT NULL REFERENCES cards (number),
    PRIMARY KEY (bulk, place),
    UNIQUE (bulk, card)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER bulk_cards_never_change BEFORE UPDATE ON bulk_cards
BEGIN
    SELECT RAISE(ABORT, 'the list of a bulk revocation never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bulk_cards_are_never_deleted BEFORE DELETE ON bulk_cards
BEGIN
    SELECT RAISE(ABORT, 'the list of a bulk revocation never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bulk_cards_are_never_replaced BEFORE INSERT ON bulk_cards
WHEN EXISTS (SELECT 1 FROM bulk_cards WHERE bulk = NEW.bulk AND (place = NEW.place OR card = NEW.card))
BEGIN
    SELECT RAISE(ABORT, 'the list of a bulk revocation never changes');
END;
-- +goose StatementEnd
