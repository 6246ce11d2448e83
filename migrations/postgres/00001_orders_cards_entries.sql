-- +goose Up

-- Identifiers that are compared octet by octet have COLLATE "C": their indexes need no rules of a language, and do not break when an
-- upgrade of the system changes such rules. JSON is kept as json, not jsonb, since octets that are hashed must come back as they were. The
-- words are those of package ca. The checks are the last line behind the program, not its validation of orders.

-- For statements that nobody may make. It says why in the words of the trigger.
-- +goose StatementBegin
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END;
$$;
-- +goose StatementEnd

-- The log. What happened. Ids tell entries apart and no more: transactions become visible in another order than they take ids.
CREATE TABLE entries (
    id              bigint         PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind            text           NOT NULL CHECK (kind <> ''),
    at              timestamptz(3) NOT NULL,
    actor           text           NOT NULL CHECK (actor <> ''),
    facts           json           NOT NULL,
    personal        json,
    salt            bytea          CHECK (octet_length(salt) = 16),
    personal_sha256 bytea          CHECK (octet_length(personal_sha256) = 32), -- SHA-256(salt || personal); stays when they are erased
    CHECK ((personal IS NULL) = (salt IS NULL)),
    CHECK (personal IS NULL OR personal_sha256 IS NOT NULL)
);

CREATE TRIGGER entries_change_only_by_erasure BEFORE UPDATE ON entries FOR EACH ROW
WHEN (NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.at = OLD.at AND NEW.actor = OLD.actor AND NEW.facts::text = OLD.facts::text
    AND NEW.personal IS NULL AND NEW.salt IS NULL AND NEW.personal_sha256 IS NOT DISTINCT FROM OLD.personal_sha256))
EXECUTE FUNCTION refuse('an entry changes only by erasure of its personal data');

CREATE TRIGGER entries_are_never_deleted BEFORE DELETE OR TRUNCATE ON entries
EXECUTE FUNCTION refuse('entries are never deleted');

-- Issuers and roots: for which certificate a name stands, for ever.
CREATE TABLE issuers (
    name        text   COLLATE "C" PRIMARY KEY CHECK (name <> ''),
    kind        text   NOT NULL CHECK (kind <> ''),
    issued_by   text   COLLATE "C" NOT NULL REFERENCES issuers (name), -- its own name for a root
    certificate bytea  NOT NULL CHECK (octet_length(certificate) > 0), -- DER, data object 7F21, or 7F4E of a root of generation 1
    sha256      bytea  NOT NULL UNIQUE CHECK (sha256 = sha256(certificate)),
    entry_id    bigint NOT NULL UNIQUE REFERENCES entries (id)
);

CREATE TRIGGER issuers_never_change BEFORE UPDATE ON issuers
EXECUTE FUNCTION refuse('issuers never change');

CREATE TRIGGER issuers_are_never_deleted BEFORE DELETE OR TRUNCATE ON issuers
EXECUTE FUNCTION refuse('issuers are never deleted');

-- Drafts, and with them certificates, name known issuers. A foreign key would say it too, and have every transaction of every server lock the few
-- rows of the issuers together with all others. These rows never change and never go: to look is enough.
-- +goose StatementBegin
CREATE FUNCTION refuse_unknown_issuers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (SELECT FROM issuers i WHERE i.name = a.issuer)) THEN
        RAISE EXCEPTION 'the issuer is not known' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

-- What the line sent. One order for each ICCSN makes the card, for ever; others may renew its CV certificates.
CREATE TABLE orders (
    order_id    text           COLLATE "C" PRIMARY KEY CHECK (order_id <> ''),
    order_hash  bytea          NOT NULL CHECK (octet_length(order_hash) = 32), -- of the canonical form: package ca
    order_json  json,                                                          -- personal data; NULL after erasure
    iccsn       text           COLLATE "C" NOT NULL CHECK (iccsn <> ''),
    card_type   text           NOT NULL CHECK (card_type <> ''),
    sector      text           NOT NULL CHECK (sector <> ''),
    recorded_at timestamptz(3) NOT NULL,
    renews      text           COLLATE "C" REFERENCES orders (order_id), -- the order that made the card; NULL for that order itself
    renewal     integer        NOT NULL DEFAULT 0,                       -- number among the renewals of the card; 0 for the card itself
    CHECK (renews <> order_id),
    CHECK (renewal >= 0 AND (renewal = 0) = (renews IS NULL))
);

CREATE UNIQUE INDEX orders_iccsn ON orders (iccsn) WHERE renews IS NULL;
CREATE UNIQUE INDEX orders_renewal ON orders (renews, renewal) WHERE renews IS NOT NULL;

CREATE TRIGGER orders_change_only_by_erasure BEFORE UPDATE ON orders FOR EACH ROW
WHEN (NOT (NEW.order_id = OLD.order_id AND NEW.order_hash = OLD.order_hash AND NEW.order_json IS NULL AND NEW.iccsn = OLD.iccsn
    AND NEW.card_type = OLD.card_type AND NEW.sector = OLD.sector AND NEW.recorded_at = OLD.recorded_at
    AND NEW.renews IS NOT DISTINCT FROM OLD.renews AND NEW.renewal = OLD.renewal))
EXECUTE FUNCTION refuse('an order changes only by erasure of its personal data');

CREATE TRIGGER orders_are_never_deleted BEFORE DELETE OR TRUNCATE ON orders
EXECUTE FUNCTION refuse('orders are never deleted');

-- Tries to fulfil an order. The entries that record their beginning and end are theirs alone: no change without an entry.
CREATE TABLE attempts (
    number       bigint         PRIMARY KEY GENERATED ALWAYS AS IDENTITY, -- ascending in the order in which attempts began
    attempt_id   text           COLLATE "C" NOT NULL UNIQUE CHECK (attempt_id ~ '^[0-9a-f]{32}$'),
    order_id     text           COLLATE "C" NOT NULL REFERENCES orders (order_id),
    server       bigint         NOT NULL, -- who runs it: the advisory lock that its server holds as long as it lives
    state        text           NOT NULL CHECK (state IN ('open', 'complete', 'abandoned')),
    warnings     text[]         NOT NULL,
    at           timestamptz(3) NOT NULL,
    entry_id     bigint         NOT NULL UNIQUE REFERENCES entries (id),
    ended_at     timestamptz(3),
    end_entry_id bigint         UNIQUE REFERENCES entries (id),
    CHECK ((state = 'open') = (ended_at IS NULL)),
    CHECK ((state = 'open') = (end_entry_id IS NULL))
);

CREATE UNIQUE INDEX attempts_open ON attempts (order_id) WHERE state = 'open';
CREATE UNIQUE INDEX attempts_complete ON attempts (order_id) WHERE state = 'complete';

CREATE TRIGGER attempts_change_only_by_ending BEFORE UPDATE ON attempts FOR EACH ROW
WHEN (NOT (OLD.state = 'open' AND NEW.state <> 'open' AND NEW.number = OLD.number AND NEW.attempt_id = OLD.attempt_id
    AND NEW.order_id = OLD.order_id AND NEW.server = OLD.server AND NEW.warnings = OLD.warnings AND NEW.at = OLD.at
    AND NEW.entry_id = OLD.entry_id))
EXECUTE FUNCTION refuse('an attempt changes only by ending');

CREATE TRIGGER attempts_are_never_deleted BEFORE DELETE OR TRUNCATE ON attempts
EXECUTE FUNCTION refuse('attempts are never deleted');

-- To whom a subject key belongs. It serves one slot of one order (GS-A_4906), and of the renewals
-- of its card. Public keys that one secret serves are one key here.
CREATE TABLE subject_keys (
    key_identity bytea PRIMARY KEY CHECK (octet_length(key_identity) = 32), -- pkix.KeyIdentity
    order_id     text  COLLATE "C" NOT NULL REFERENCES orders (order_id),
    slot         text  COLLATE "C" NOT NULL CHECK (slot <> '')
);

CREATE TRIGGER subject_keys_never_change BEFORE UPDATE ON subject_keys
EXECUTE FUNCTION refuse('subject keys never change hands');

CREATE TRIGGER subject_keys_are_never_deleted BEFORE DELETE OR TRUNCATE ON subject_keys
EXECUTE FUNCTION refuse('subject keys are never deleted');

-- What an attempt was going to sign. Serial numbers stay taken when the attempt is abandoned.
CREATE TABLE drafts (
    attempt      bigint         NOT NULL REFERENCES attempts (number),
    position     integer        NOT NULL CHECK (position >= 0), -- from 0, in the order of the card type
    slot         text           COLLATE "C" NOT NULL CHECK (slot <> ''),
    profile      text           NOT NULL CHECK (profile <> ''),
    format       text           NOT NULL CHECK (format IN ('x509', 'cvc')),
    issuer       text           COLLATE "C" NOT NULL,
    scheme       text           NOT NULL CHECK (scheme <> ''),
    serial       bytea          CHECK (octet_length(serial) BETWEEN 1 AND 20),       -- X.509 only: big-endian, no leading zeros
    chr          text           COLLATE "C" CHECK (chr ~ '^[0-9A-F]{24}$'),          -- CV certificates only
    not_before   timestamptz(0) NOT NULL,
    not_after    timestamptz(0) NOT NULL,
    key_hash     bytea          NOT NULL CHECK (octet_length(key_hash) = 32), -- SHA-256 of the DER SubjectPublicKeyInfo
    key_identity bytea          NOT NULL REFERENCES subject_keys (key_identity),
    body         bytea          CHECK (octet_length(body) > 0), -- holds names; NULL after erasure, see below
    PRIMARY KEY (attempt, position),
    UNIQUE (attempt, slot),
    CHECK ((serial IS NOT NULL) = (format = 'x509')),
    CHECK ((chr IS NOT NULL) = (format = 'cvc')),
    CONSTRAINT ends_after_it_begins CHECK (not_after > not_before),
    -- Five calendar years less one second, to which the last second belongs, in UTC. Five years after 29 February is 1 March; the sum
    -- not_before + interval '5 years' would be 28 February, so the years go onto the first of the month. Nothing that could end after
    -- the year 9999 is allowed: no certificate can say so.
    CONSTRAINT five_years CHECK (not_before AT TIME ZONE 'UTC' < timestamp '9995-01-01'
        AND not_after AT TIME ZONE 'UTC' < date_trunc('month', not_before AT TIME ZONE 'UTC') + interval '5 years'
            + (not_before AT TIME ZONE 'UTC' - date_trunc('month', not_before AT TIME ZONE 'UTC')))
);

CREATE UNIQUE INDEX drafts_serial ON drafts (issuer, serial) WHERE serial IS NOT NULL;
CREATE INDEX drafts_chr ON drafts (issuer, chr) WHERE chr IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION refuse_drafts_of_ended_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added d JOIN attempts a ON a.number = d.attempt WHERE a.state <> 'open') THEN
        RAISE EXCEPTION 'an attempt that has ended gets no drafts' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER drafts_belong_to_open_attempts AFTER INSERT ON drafts REFERENCING NEW TABLE AS added
EXECUTE FUNCTION refuse_drafts_of_ended_attempts();

CREATE TRIGGER drafts_name_known_issuers AFTER INSERT ON drafts REFERENCING NEW TABLE AS added
EXECUTE FUNCTION refuse_unknown_issuers();

CREATE TRIGGER drafts_begin_with_their_body BEFORE INSERT ON drafts FOR EACH ROW WHEN (NEW.body IS NULL)
EXECUTE FUNCTION refuse('a draft begins with its body');

-- What was signed is in the certificate, and what was not is nobody's any more: when its attempt has ended, a body is personal data like
-- others. The hash of the body stays in the log.
-- +goose StatementBegin
CREATE FUNCTION refuse_changes_of_drafts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased drafts := OLD;
BEGIN
    erased.body := NULL;
    IF NEW IS DISTINCT FROM erased OR EXISTS (SELECT FROM attempts WHERE number = OLD.attempt AND state = 'open') THEN
        RAISE EXCEPTION 'a draft changes only by erasure of its body, when its attempt has ended' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER drafts_change_only_by_erasure BEFORE UPDATE ON drafts FOR EACH ROW
EXECUTE FUNCTION refuse_changes_of_drafts();

CREATE TRIGGER drafts_are_never_deleted BEFORE DELETE OR TRUNCATE ON drafts
EXECUTE FUNCTION refuse('drafts are never deleted');

-- Issued cards, one for each complete attempt, whose ended_at and end_entry_id say when and where that is recorded.
CREATE TABLE cards (
    number   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, -- ascending in the order of completion
    attempt  bigint NOT NULL UNIQUE REFERENCES attempts (number),
    order_id text   COLLATE "C" NOT NULL UNIQUE REFERENCES orders (order_id)
);

-- +goose StatementBegin
CREATE FUNCTION refuse_cards_of_other_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added c LEFT JOIN attempts a ON a.number = c.attempt AND a.order_id = c.order_id AND a.state = 'complete'
        WHERE a.number IS NULL) THEN
        RAISE EXCEPTION 'a card belongs to a complete attempt of its order' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER cards_belong_to_complete_attempts AFTER INSERT ON cards REFERENCING NEW TABLE AS added
EXECUTE FUNCTION refuse_cards_of_other_attempts();

CREATE TRIGGER cards_never_change BEFORE UPDATE ON cards
EXECUTE FUNCTION refuse('cards never change');

CREATE TRIGGER cards_are_never_deleted BEFORE DELETE OR TRUNCATE ON cards
EXECUTE FUNCTION refuse('cards are never deleted');

-- The certificates of a card: the signed drafts of its attempt, at the same positions.
CREATE TABLE certificates (
    card     bigint  NOT NULL REFERENCES cards (number),
    position integer NOT NULL,
    issuer   text    COLLATE "C" NOT NULL,
    serial   bytea,
    chr      text    COLLATE "C",
    renewal  integer NOT NULL, -- that of the order
    data     bytea   NOT NULL CHECK (octet_length(data) > 0), -- DER, or data object 7F21
    PRIMARY KEY (card, position)
);

CREATE UNIQUE INDEX certificates_serial ON certificates (issuer, serial) WHERE serial IS NOT NULL;
CREATE UNIQUE INDEX certificates_chr ON certificates (issuer, chr, renewal) WHERE chr IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION refuse_certificates_of_no_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added t WHERE NOT EXISTS (SELECT FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN drafts d ON d.attempt = c.attempt
        WHERE c.number = t.card AND o.renewal = t.renewal AND d.position = t.position AND d.issuer = t.issuer
            AND d.serial IS NOT DISTINCT FROM t.serial AND d.chr IS NOT DISTINCT FROM t.chr)) THEN
        RAISE EXCEPTION 'a certificate is a signed draft of its card' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER certificates_are_signed_drafts AFTER INSERT ON certificates REFERENCING NEW TABLE AS added
EXECUTE FUNCTION refuse_certificates_of_no_draft();

CREATE TRIGGER certificates_never_change BEFORE UPDATE ON certificates
EXECUTE FUNCTION refuse('certificates never change');

CREATE TRIGGER certificates_are_never_deleted BEFORE DELETE OR TRUNCATE ON certificates
EXECUTE FUNCTION refuse('certificates are never deleted');
