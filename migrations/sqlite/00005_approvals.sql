-- +goose Up

-- Acts that one person asks for and another approves. The entries that record what becomes of a request are its alone.
CREATE TABLE approvals (
    number           INTEGER PRIMARY KEY, -- position in the list of requests
    approval_id      TEXT    NOT NULL UNIQUE CHECK (length(approval_id) = 32 AND approval_id NOT GLOB '*[^0-9a-f]*'),
    act              TEXT    NOT NULL CHECK (act <> ''),
    summary          TEXT    NOT NULL CHECK (summary <> ''),
    parameters       TEXT    NOT NULL CHECK (json_type(parameters) = 'object'),
    hash             BLOB    NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the parameters
    reason           TEXT    CHECK (reason <> ''),               -- a person's words; NULL after erasure
    requested_by     TEXT    NOT NULL CHECK (requested_by <> ''), -- operator
    requested_person TEXT    NOT NULL CHECK (requested_person <> ''),
    requested_at     INTEGER NOT NULL,
    expires          INTEGER NOT NULL CHECK (expires > requested_at),
    entry_id         INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    state            TEXT    NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'used', 'expired')),
    decided_by       TEXT    CHECK (decided_by <> ''),
    decided_person   TEXT    CHECK (decided_person <> ''),
    decided_at       INTEGER CHECK (decided_at < expires),
    decision_entry   INTEGER UNIQUE REFERENCES entries (id),
    ended_at         INTEGER, -- when it was used or expired
    end_entry        INTEGER UNIQUE REFERENCES entries (id),
    CONSTRAINT four_eyes CHECK (state = 'rejected' OR decided_person <> requested_person),
    CHECK (state <> 'pending' OR decision_entry IS NULL),
    CHECK (state NOT IN ('approved', 'rejected', 'used') OR decision_entry IS NOT NULL),
    CHECK ((decision_entry IS NULL) = (decided_by IS NULL) AND (decision_entry IS NULL) = (decided_person IS NULL)
        AND (decision_entry IS NULL) = (decided_at IS NULL)),
    CHECK ((end_entry IS NOT NULL) = (state IN ('used', 'expired')) AND (end_entry IS NULL) = (ended_at IS NULL)),
    CHECK (state <> 'used' OR ended_at < expires),
    CHECK (state <> 'expired' OR ended_at >= expires)
) STRICT;

CREATE INDEX approvals_used ON approvals (act, number) WHERE state = 'used';
CREATE INDEX approvals_waiting ON approvals (number) WHERE state IN ('pending', 'approved');

-- +goose StatementBegin
CREATE TRIGGER approvals_begin_pending BEFORE INSERT ON approvals
WHEN NEW.state <> 'pending' OR NEW.reason IS NULL
BEGIN
    SELECT RAISE(ABORT, 'a request begins as pending, with its reason');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER approvals_only_go_on BEFORE UPDATE ON approvals
WHEN NOT (NEW.number = OLD.number AND NEW.approval_id = OLD.approval_id AND NEW.act = OLD.act AND NEW.summary = OLD.summary
    AND NEW.parameters = OLD.parameters AND NEW.hash = OLD.hash AND NEW.requested_by = OLD.requested_by
    AND NEW.requested_person = OLD.requested_person AND NEW.requested_at = OLD.requested_at AND NEW.expires = OLD.expires
    AND NEW.entry_id = OLD.entry_id
    AND (NEW.reason IS OLD.reason AND OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected', 'expired')
        OR NEW.decided_by IS OLD.decided_by AND NEW.decided_person IS OLD.decided_person AND NEW.decided_at IS OLD.decided_at
            AND NEW.decision_entry IS OLD.decision_entry
            AND (NEW.reason IS OLD.reason AND OLD.state = 'approved' AND NEW.state IN ('used', 'expired')
                OR NEW.reason IS NULL AND NEW.state = OLD.state AND NEW.ended_at IS OLD.ended_at AND NEW.end_entry IS OLD.end_entry)))
BEGIN
    SELECT RAISE(ABORT, 'a request changes only by a decision, by its end and by erasure of its reason');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER approvals_are_never_deleted BEFORE DELETE ON approvals
BEGIN
    SELECT RAISE(ABORT, 'requests are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER approvals_are_never_replaced BEFORE INSERT ON approvals
WHEN EXISTS (SELECT 1 FROM approvals WHERE number = NEW.number OR approval_id = NEW.approval_id OR entry_id = NEW.entry_id
    OR decision_entry = NEW.decision_entry OR end_entry = NEW.end_entry)
BEGIN
    SELECT RAISE(ABORT, 'requests are never replaced');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER approvals_replace_none_by_going_on BEFORE UPDATE ON approvals
WHEN EXISTS (SELECT 1 FROM approvals WHERE number <> OLD.number AND (decision_entry = NEW.decision_entry OR end_entry = NEW.end_entry))
BEGIN
    SELECT RAISE(ABORT, 'requests are never replaced');
END;
-- +goose StatementEnd

-- Key sessions: the windows in which the issuers' keys may sign.
CREATE TABLE key_sessions (
    number       INTEGER PRIMARY KEY, -- position in the list of sessions
    session_id   TEXT    NOT NULL UNIQUE CHECK (length(session_id) = 32 AND session_id NOT GLOB '*[^0-9a-f]*'),
    issuer       TEXT    NOT NULL REFERENCES issuers (name),
    approval_id  TEXT    REFERENCES approvals (approval_id), -- NULL where a server opened it alone
    signatures   INTEGER NOT NULL CHECK (signatures > 0),
    drawn        INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    ends         INTEGER NOT NULL CHECK (ends > opened_at),
    entry_id     INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    closed_at    INTEGER,
    reason       TEXT    CHECK (reason <> ''),
    end_entry_id INTEGER UNIQUE REFERENCES entries (id),
    CONSTRAINT never_more_than_allowed CHECK (drawn BETWEEN 0 AND signatures),
    CHECK ((closed_at IS NULL) = (reason IS NULL) AND (closed_at IS NULL) = (end_entry_id IS NULL))
) STRICT;

CREATE UNIQUE INDEX key_sessions_open ON key_sessions (issuer) WHERE closed_at IS NULL;

-- +goose StatementBegin
CREATE TRIGGER key_sessions_change_only_by_drawing_and_closing BEFORE UPDATE ON key_sessions
WHEN NOT (NEW.number = OLD.number AND NEW.session_id = OLD.session_id AND NEW.issuer = OLD.issuer AND NEW.approval_id IS OLD.approval_id
    AND NEW.signatures = OLD.signatures AND NEW.opened_at = OLD.opened_at AND NEW.ends = OLD.ends AND NEW.entry_id = OLD.entry_id
    AND OLD.closed_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'a key session changes only by drawing and by closing');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER key_sessions_are_never_deleted BEFORE DELETE ON key_sessions
BEGIN
    SELECT RAISE(ABORT, 'key sessions are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER key_sessions_are_never_replaced BEFORE INSERT ON key_sessions
WHEN EXISTS (SELECT 1 FROM key_sessions WHERE number = NEW.number OR session_id = NEW.session_id OR entry_id = NEW.entry_id
    OR end_entry_id = NEW.end_entry_id OR issuer = NEW.issuer AND closed_at IS NULL AND NEW.closed_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'key sessions are never replaced');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER key_sessions_replace_none_by_closing BEFORE UPDATE ON key_sessions
WHEN EXISTS (SELECT 1 FROM key_sessions WHERE number <> OLD.number AND end_entry_id = NEW.end_entry_id)
BEGIN
    SELECT RAISE(ABORT, 'key sessions are never replaced');
END;
-- +goose StatementEnd
