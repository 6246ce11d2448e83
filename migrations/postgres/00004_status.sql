-- +goose Up

-- The status of cards and certificates. Each change is a row, and none is ever changed: a card without rows here is issued and not active.
-- Changes are numbered one after the other, in the order in which they commit, so that whoever has seen one number has seen all before it.
CREATE TABLE status_changes (
    epoch        bigint         PRIMARY KEY CHECK (epoch > 0),
    card         bigint         NOT NULL REFERENCES cards (number),
    place        integer,                 -- of the certificate that is revoked alone, its position on the card; NULL for the card
    state        text           NOT NULL CHECK (state IN ('active', 'revoked')),
    requested_at timestamptz(3) NOT NULL,
    at           timestamptz(3) NOT NULL, -- of effect
    actor        text           NOT NULL CHECK (actor <> ''),
    requester    text           CHECK (requester <> ''),
    reason       text           CHECK (reason <> ''),
    entry_id     bigint         NOT NULL UNIQUE REFERENCES entries (id),
    CHECK (place IS NULL OR state = 'revoked'),
    CHECK ((requester IS NOT NULL) = (state = 'revoked')),
    CHECK ((reason IS NOT NULL) = (state = 'revoked'))
);

CREATE UNIQUE INDEX status_changes_card ON status_changes (card, state) WHERE place IS NULL;
CREATE UNIQUE INDEX status_changes_certificate ON status_changes (card, place) WHERE place IS NOT NULL;
CREATE INDEX status_changes_of_card ON status_changes (card, epoch); -- all changes of a card: the two above know a part each

-- +goose StatementBegin
CREATE FUNCTION refuse_status_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT max(epoch) - min(epoch) + 1 <> count(*) OR min(epoch) > 1 AND NOT EXISTS (SELECT FROM status_changes WHERE epoch = (SELECT min(epoch) FROM added) - 1)
        FROM added) THEN
        RAISE EXCEPTION 'changes of the status are numbered without gaps' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM added a JOIN status_changes s ON s.card = a.card AND s.place IS NULL AND s.state = 'revoked' AND s.epoch < a.epoch) THEN
        RAISE EXCEPTION 'a revoked card never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM added a JOIN cards c ON c.number = a.card JOIN orders o ON o.order_id = c.order_id WHERE o.renews IS NOT NULL) THEN
        RAISE EXCEPTION 'a renewal has no status but that of its card' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM added a LEFT JOIN certificates t ON t.card = a.card AND t.position = a.place WHERE a.place IS NOT NULL AND t.serial IS NULL) THEN
        RAISE EXCEPTION 'only X.509 certificates can be revoked' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER status_changes_lead_forward AFTER INSERT ON status_changes REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION refuse_status_changes();

CREATE TRIGGER status_changes_never_change BEFORE UPDATE ON status_changes
EXECUTE FUNCTION refuse('changes of the status never change');

CREATE TRIGGER status_changes_are_never_deleted BEFORE DELETE OR TRUNCATE ON status_changes
EXECUTE FUNCTION refuse('changes of the status are never deleted');

-- The revoked certificates, alone or with their cards, as CRLs list them.
CREATE TABLE revocations (
    issuer    text           COLLATE "C" NOT NULL,
    serial    bytea          NOT NULL,
    epoch     bigint         NOT NULL REFERENCES status_changes (epoch),
    at        timestamptz(3) NOT NULL, -- that of the change, as the reason is
    reason    text           NOT NULL,
    not_after timestamptz(0) NOT NULL, -- of the certificate
    PRIMARY KEY (issuer, serial)
);

-- +goose StatementBegin
CREATE FUNCTION refuse_revocations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (SELECT FROM status_changes s JOIN certificates t ON t.card = s.card
        JOIN cards c ON c.number = t.card JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
        WHERE s.epoch = a.epoch AND s.state = 'revoked' AND s.at = a.at AND s.reason = a.reason AND coalesce(s.place, t.position) = t.position
            AND t.issuer = a.issuer AND t.serial = a.serial AND d.not_after = a.not_after)) THEN
        RAISE EXCEPTION 'a revocation is that of a change of the status' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER revocations_are_changes_of_the_status AFTER INSERT ON revocations REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION refuse_revocations();

CREATE TRIGGER revocations_never_change BEFORE UPDATE ON revocations
EXECUTE FUNCTION refuse('a revocation is final');

CREATE TRIGGER revocations_are_never_deleted BEFORE DELETE OR TRUNCATE ON revocations
EXECUTE FUNCTION refuse('a revocation is final');
