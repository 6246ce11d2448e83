-- +goose Up

-- Bulk revocations: a list of cards that is fixed when it is planned, and how far the work on it is.
CREATE TABLE bulk_revocations (
    number       bigint         PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    bulk_id      text           COLLATE "C" NOT NULL UNIQUE CHECK (bulk_id ~ '^[0-9a-f]{32}$'),
    selection    json           NOT NULL,
    requester    text           NOT NULL CHECK (requester <> ''),
    reason       text           NOT NULL CHECK (reason <> ''),
    ground       text           NOT NULL CHECK (ground <> ''),
    requested_at timestamptz(3) NOT NULL,
    planned_at   timestamptz(3) NOT NULL,
    planned_by   text           NOT NULL CHECK (planned_by <> ''),
    cards        integer        NOT NULL CHECK (cards > 0),
    list_sha256  bytea          NOT NULL CHECK (octet_length(list_sha256) = 32),
    entry_id     bigint         NOT NULL UNIQUE REFERENCES entries (id),
    state        text           NOT NULL CHECK (state IN ('planned', 'running', 'paused', 'ended')),
    done         integer        NOT NULL CHECK (done BETWEEN 0 AND cards),
    revoked      integer        NOT NULL CHECK (revoked BETWEEN 0 AND done), -- those done that were not revoked before
    started_by   text           CHECK (started_by <> ''),
    started_at   timestamptz(3),
    ended_at     timestamptz(3),
    CHECK ((state = 'planned') = (started_at IS NULL) AND (started_by IS NULL) = (started_at IS NULL)),
    CHECK (state <> 'planned' OR done = 0),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL) AND (state <> 'ended' OR done = cards))
);

CREATE INDEX bulk_revocations_running ON bulk_revocations (number) WHERE state = 'running';

CREATE TRIGGER bulk_revocations_lead_forward BEFORE UPDATE ON bulk_revocations FOR EACH ROW
WHEN (NOT (NEW.number = OLD.number AND NEW.bulk_id = OLD.bulk_id AND NEW.selection::text = OLD.selection::text AND NEW.requester = OLD.requester
    AND NEW.reason = OLD.reason AND NEW.ground = OLD.ground AND NEW.requested_at = OLD.requested_at AND NEW.planned_at = OLD.planned_at
    AND NEW.planned_by = OLD.planned_by AND NEW.cards = OLD.cards AND NEW.list_sha256 = OLD.list_sha256 AND NEW.entry_id = OLD.entry_id
    AND coalesce(OLD.started_at, NEW.started_at) IS NOT DISTINCT FROM NEW.started_at AND coalesce(OLD.started_by, NEW.started_by) IS NOT DISTINCT FROM NEW.started_by
    AND OLD.state <> 'ended' AND NEW.state <> 'planned' AND NEW.done >= OLD.done AND NEW.revoked - OLD.revoked BETWEEN 0 AND NEW.done - OLD.done
    AND (NEW.done = OLD.done OR OLD.state = 'running' AND NEW.state = 'running')))
EXECUTE FUNCTION refuse('a bulk revocation only leads forward');

CREATE TRIGGER bulk_revocations_are_never_deleted BEFORE DELETE OR TRUNCATE ON bulk_revocations
EXECUTE FUNCTION refuse('bulk revocations are never deleted');

CREATE TABLE bulk_cards (
    bulk  bigint  NOT NULL REFERENCES bulk_revocations (number),
    place integer NOT NULL CHECK (place >= 0), -- from 0
    card  bigint  NOT NULL REFERENCES cards (number),
    PRIMARY KEY (bulk, place),
    UNIQUE (bulk, card)
);

CREATE TRIGGER bulk_cards_never_change BEFORE UPDATE ON bulk_cards
EXECUTE FUNCTION refuse('the list of a bulk revocation never changes');

CREATE TRIGGER bulk_cards_are_never_deleted BEFORE DELETE OR TRUNCATE ON bulk_cards
EXECUTE FUNCTION refuse('the list of a bulk revocation never changes');
