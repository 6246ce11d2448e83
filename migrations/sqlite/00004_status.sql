-- +goose Up

-- The status of cards and certificates. Each change is a row, and none is ever changed: a card without rows here is issued and not active.
-- Changes are numbered one after the other, in the order in which they commit, so that whoever has seen one number has seen all before it.
CREATE TABLE status_changes (
    epoch        INTEGER PRIMARY KEY CHECK (epoch > 0),
    card         INTEGER NOT NULL REFERENCES cards (number),
    place        INTEGER,          -- of the certificate that is revoked alone, its position on the card; NULL for the card
    state        TEXT    NOT NULL CHECK (state IN ('active', 'revoked')),
    requested_at INTEGER NOT NULL,
    at           INTEGER NOT NULL, -- of effect
    actor        TEXT    NOT NULL CHECK (actor <> ''),
    requester    TEXT    CHECK (requester <> ''),
    reason       TEXT    CHECK (reason <> ''),
    entry_id     INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    CHECK (place IS NULL OR state = 'revoked'),
    CHECK ((requester IS NOT NULL) = (state = 'revoked')),
    CHECK ((reason IS NOT NULL) = (state = 'revoked'))
) STRICT;

CREATE UNIQUE INDEX status_changes_card ON status_changes (card, state) WHERE place IS NULL;
CREATE UNIQUE INDEX status_changes_certificate ON status_changes (card, place) WHERE place IS NOT NULL;
CREATE INDEX status_changes_of_card ON status_changes (card, epoch); -- all changes of a card: the two above know a part each

-- +goose StatementBegin
CREATE TRIGGER status_changes_lead_forward BEFORE INSERT ON status_changes
BEGIN
    SELECT RAISE(ABORT, 'changes of the status are numbered without gaps')
        WHERE NEW.epoch <> (SELECT coalesce(max(epoch), 0) + 1 FROM status_changes);
    SELECT RAISE(ABORT, 'a revoked card never changes')
        WHERE EXISTS (SELECT 1 FROM status_changes WHERE card = NEW.card AND place IS NULL AND state = 'revoked');
    SELECT RAISE(ABORT, 'a renewal has no status but that of its card')
        WHERE EXISTS (SELECT 1 FROM cards c JOIN orders o ON o.order_id = c.order_id WHERE c.number = NEW.card AND o.renews IS NOT NULL);
    SELECT RAISE(ABORT, 'only X.509 certificates can be revoked')
        WHERE NEW.place IS NOT NULL AND NOT EXISTS (SELECT 1 FROM certificates WHERE card = NEW.card AND position = NEW.place AND serial IS NOT NULL);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER status_changes_never_change BEFORE UPDATE ON status_changes
BEGIN
    SELECT RAISE(ABORT, 'changes of the status never change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER status_changes_are_never_deleted BEFORE DELETE ON status_changes
BEGIN
    SELECT RAISE(ABORT, 'changes of the status are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER status_changes_are_never_replaced BEFORE INSERT ON status_changes
WHEN EXISTS (SELECT 1 FROM status_changes WHERE epoch = NEW.epoch OR entry_id = NEW.entry_id
    OR card = NEW.card AND state = NEW.state AND place IS NULL AND NEW.place IS NULL
    OR card = NEW.card AND place = NEW.place AND place IS NOT NULL) -- spelt so that each has its index
BEGIN
    SELECT RAISE(ABORT, 'changes of the status are never replaced');
END;
-- +goose StatementEnd

-- The revoked certificates, alone or with their cards, as CRLs list them.
CREATE TABLE revocations (
    issuer    TEXT    NOT NULL,
    serial    BLOB    NOT NULL,
    epoch     INTEGER NOT NULL REFERENCES status_changes (epoch),
    at        INTEGER NOT NULL, -- that of the change, as the reason is
    reason    TEXT    NOT NULL,
    not_after INTEGER NOT NULL, -- of the certificate
    PRIMARY KEY (issuer, serial)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER revocations_are_changes_of_the_status BEFORE INSERT ON revocations
WHEN NOT EXISTS (SELECT 1 FROM status_changes s JOIN certificates t ON t.card = s.card
    JOIN cards c ON c.number = t.card JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
    WHERE s.epoch = NEW.epoch AND s.state = 'revoked' AND s.at = NEW.at AND s.reason = NEW.reason AND coalesce(s.place, t.position) = t.position
        AND t.issuer = NEW.issuer AND t.serial = NEW.serial AND d.not_after = NEW.not_after)
BEGIN
    SELECT RAISE(ABORT, 'a revocation is that of a change of the status');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER revocations_never_change BEFORE UPDATE ON revocations
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER revocations_are_never_deleted BEFORE DELETE ON revocations
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER revocations_are_never_replaced BEFORE INSERT ON revocations
WHEN EXISTS (SELECT 1 FROM revocations WHERE issuer = NEW.issuer AND serial = NEW.serial)
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;
-- +goose StatementEnd
