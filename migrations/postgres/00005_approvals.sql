-- +goose Up

-- Acts that one person asks for and another approves. The entries that record what becomes of a request are its alone.
CREATE TABLE approvals (
    number           bigint         PRIMARY KEY GENERATED ALWAYS AS IDENTITY, -- position in the list of requests
    approval_id      text           COLLATE "C" NOT NULL UNIQUE CHECK (approval_id ~ '^[0-9a-f]{32}$'),
    act              text           NOT NULL CHECK (act <> ''),
    summary          text           NOT NULL CHECK (summary <> ''),
    parameters       json           NOT NULL CHECK (json_typeof(parameters) = 'object'),
    hash             bytea          NOT NULL CHECK (hash = sha256(convert_to(parameters::text, 'UTF8'))),
    reason           text           CHECK (reason <> ''), -- a person's words; NULL after erasure
    requested_by     text           NOT NULL CHECK (requested_by <> ''), -- operator
    requested_person text           COLLATE "C" NOT NULL CHECK (requested_person <> ''),
    requested_at     timestamptz(3) NOT NULL,
    expires          timestamptz(3) NOT NULL CHECK (expires > requested_at),
    entry_id         bigint         NOT NULL UNIQUE REFERENCES entries (id),
    state            text           NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'used', 'expired')),
    decided_by       text           CHECK (decided_by <> ''),
    decided_person   text           COLLATE "C" CHECK (decided_person <> ''),
    decided_at       timestamptz(3) CHECK (decided_at < expires),
    decision_entry   bigint         UNIQUE REFERENCES entries (id),
    ended_at         timestamptz(3), -- when it was used or expired
    end_entry        bigint         UNIQUE REFERENCES entries (id),
    CONSTRAINT four_eyes CHECK (state = 'rejected' OR decided_person <> requested_person),
    CHECK (state <> 'pending' OR decision_entry IS NULL),
    CHECK (state NOT IN ('approved', 'rejected', 'used') OR decision_entry IS NOT NULL),
    CHECK ((decision_entry IS NULL) = (decided_by IS NULL) AND (decision_entry IS NULL) = (decided_person IS NULL)
        AND (decision_entry IS NULL) = (decided_at IS NULL)),
    CHECK ((end_entry IS NOT NULL) = (state IN ('used', 'expired')) AND (end_entry IS NULL) = (ended_at IS NULL)),
    CHECK (state <> 'used' OR ended_at < expires),
    CHECK (state <> 'expired' OR ended_at >= expires)
);

CREATE INDEX approvals_used ON approvals (act, number) WHERE state = 'used';
CREATE INDEX approvals_waiting ON approvals (number) WHERE state IN ('pending', 'approved');

CREATE TRIGGER approvals_begin_pending BEFORE INSERT ON approvals FOR EACH ROW WHEN (NEW.state <> 'pending' OR NEW.reason IS NULL)
EXECUTE FUNCTION refuse('a request begins as pending, with its reason');

CREATE TRIGGER approvals_only_go_on BEFORE UPDATE ON approvals FOR EACH ROW
WHEN (NOT (NEW.number = OLD.number AND NEW.approval_id = OLD.approval_id AND NEW.act = OLD.act AND NEW.summary = OLD.summary
    AND NEW.parameters::text = OLD.parameters::text AND NEW.hash = OLD.hash AND NEW.requested_by = OLD.requested_by
    AND NEW.requested_person = OLD.requested_person AND NEW.requested_at = OLD.requested_at AND NEW.expires = OLD.expires
    AND NEW.entry_id = OLD.entry_id
    AND (NEW.reason IS NOT DISTINCT FROM OLD.reason AND OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected', 'expired')
        OR NEW.decided_by IS NOT DISTINCT FROM OLD.decided_by AND NEW.decided_person IS NOT DISTINCT FROM OLD.decided_person
            AND NEW.decided_at IS NOT DISTINCT FROM OLD.decided_at AND NEW.decision_entry IS NOT DISTINCT FROM OLD.decision_entry
            AND (NEW.reason IS NOT DISTINCT FROM OLD.reason AND OLD.state = 'approved' AND NEW.state IN ('used', 'expired')
                OR NEW.reason IS NULL AND NEW.state = OLD.state AND NEW.ended_at IS NOT DISTINCT FROM OLD.ended_at
                    AND NEW.end_entry IS NOT DISTINCT FROM OLD.end_entry))))
EXECUTE FUNCTION refuse('a request changes only by a decision, by its end and by erasure of its reason');

CREATE TRIGGER approvals_are_never_deleted BEFORE DELETE OR TRUNCATE ON approvals
EXECUTE FUNCTION refuse('requests are never deleted');

-- Key sessions: the windows in which the issuers' keys may sign.
CREATE TABLE key_sessions (
    number       bigint         PRIMARY KEY GENERATED ALWAYS AS IDENTITY, -- position in the list of sessions
    session_id   text           COLLATE "C" NOT NULL UNIQUE CHECK (session_id ~ '^[0-9a-f]{32}$'),
    issuer       text           COLLATE "C" NOT NULL REFERENCES issuers (name),
    approval_id  text           COLLATE "C" REFERENCES approvals (approval_id), -- NULL where a server opened it alone
    signatures   bigint         NOT NULL CHECK (signatures > 0),
    drawn        bigint         NOT NULL,
    servers      bigint[]       NOT NULL, -- that have drawn: the advisory locks that they hold as long as they live
    opened_at    timestamptz(3) NOT NULL,
    ends         timestamptz(3) NOT NULL CHECK (ends > opened_at),
    entry_id     bigint         NOT NULL UNIQUE REFERENCES entries (id),
    closed_at    timestamptz(3),
    reason       text           CHECK (reason <> ''),
    end_entry_id bigint         UNIQUE REFERENCES entries (id),
    CONSTRAINT never_more_than_allowed CHECK (drawn BETWEEN 0 AND signatures),
    CHECK ((closed_at IS NULL) = (reason IS NULL) AND (closed_at IS NULL) = (end_entry_id IS NULL))
);

CREATE UNIQUE INDEX key_sessions_open ON key_sessions (issuer) WHERE closed_at IS NULL;

CREATE TRIGGER key_sessions_change_only_by_drawing_and_closing BEFORE UPDATE ON key_sessions FOR EACH ROW
WHEN (NOT (NEW.number = OLD.number AND NEW.session_id = OLD.session_id AND NEW.issuer = OLD.issuer
    AND NEW.approval_id IS NOT DISTINCT FROM OLD.approval_id AND NEW.signatures = OLD.signatures AND NEW.opened_at = OLD.opened_at
    AND NEW.ends = OLD.ends AND NEW.entry_id = OLD.entry_id AND OLD.closed_at IS NULL))
EXECUTE FUNCTION refuse('a key session changes only by drawing and by closing');

CREATE TRIGGER key_sessions_are_never_deleted BEFORE DELETE OR TRUNCATE ON key_sessions
EXECUTE FUNCTION refuse('key sessions are never deleted');
