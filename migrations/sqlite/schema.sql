-- The schema that the migrations add up to. Written by go test ./internal/store/sqlite -run TestSchema -update

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

CREATE TRIGGER approvals_are_never_deleted BEFORE DELETE ON approvals
BEGIN
    SELECT RAISE(ABORT, 'requests are never deleted');
END;

CREATE TRIGGER approvals_are_never_replaced BEFORE INSERT ON approvals
WHEN EXISTS (SELECT 1 FROM approvals WHERE number = NEW.number OR approval_id = NEW.approval_id OR entry_id = NEW.entry_id
    OR decision_entry = NEW.decision_entry OR end_entry = NEW.end_entry)
BEGIN
    SELECT RAISE(ABORT, 'requests are never replaced');
END;

CREATE TRIGGER approvals_begin_pending BEFORE INSERT ON approvals
WHEN NEW.state <> 'pending' OR NEW.reason IS NULL
BEGIN
    SELECT RAISE(ABORT, 'a request begins as pending, with its reason');
END;

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

CREATE TRIGGER approvals_replace_none_by_going_on BEFORE UPDATE ON approvals
WHEN EXISTS (SELECT 1 FROM approvals WHERE number <> OLD.number AND (decision_entry = NEW.decision_entry OR end_entry = NEW.end_entry))
BEGIN
    SELECT RAISE(ABORT, 'requests are never replaced');
END;

CREATE TABLE attempts (
    number       INTEGER PRIMARY KEY, -- ascending in the order in which attempts began
    attempt_id   TEXT    NOT NULL UNIQUE CHECK (length(attempt_id) = 32 AND attempt_id NOT GLOB '*[^0-9a-f]*'),
    order_id     TEXT    NOT NULL REFERENCES orders (order_id),
    state        TEXT    NOT NULL CHECK (state IN ('open', 'complete', 'abandoned')),
    warnings     TEXT    NOT NULL CHECK (json_type(warnings) = 'array'),
    at           INTEGER NOT NULL,
    entry_id     INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    ended_at     INTEGER,
    end_entry_id INTEGER UNIQUE REFERENCES entries (id),
    CHECK ((state = 'open') = (ended_at IS NULL)),
    CHECK ((state = 'open') = (end_entry_id IS NULL))
) STRICT;

CREATE INDEX attempts_abandoned ON attempts (order_id) WHERE state = 'abandoned';

CREATE UNIQUE INDEX attempts_complete ON attempts (order_id) WHERE state = 'complete';

CREATE UNIQUE INDEX attempts_open ON attempts (order_id) WHERE state = 'open';

CREATE TRIGGER attempts_are_never_deleted BEFORE DELETE ON attempts
BEGIN
    SELECT RAISE(ABORT, 'attempts are never deleted');
END;

CREATE TRIGGER attempts_are_never_replaced BEFORE INSERT ON attempts
WHEN EXISTS (SELECT 1 FROM attempts WHERE number = NEW.number OR attempt_id = NEW.attempt_id OR entry_id = NEW.entry_id
    OR end_entry_id = NEW.end_entry_id OR order_id = NEW.order_id AND state = 'open' AND NEW.state = 'open'
    OR order_id = NEW.order_id AND state = 'complete' AND NEW.state = 'complete') -- spelt so that each has its index
BEGIN
    SELECT RAISE(ABORT, 'attempts are never replaced');
END;

CREATE TRIGGER attempts_change_only_by_ending BEFORE UPDATE ON attempts
WHEN NOT (OLD.state = 'open' AND NEW.state <> 'open' AND NEW.number = OLD.number AND NEW.attempt_id = OLD.attempt_id
    AND NEW.order_id = OLD.order_id AND NEW.warnings = OLD.warnings AND NEW.at = OLD.at AND NEW.entry_id = OLD.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'an attempt changes only by ending');
END;

CREATE TRIGGER attempts_replace_none_by_ending BEFORE UPDATE ON attempts
WHEN EXISTS (SELECT 1 FROM attempts WHERE number <> OLD.number AND (end_entry_id = NEW.end_entry_id
    OR order_id = NEW.order_id AND state = 'complete' AND NEW.state = 'complete'))
BEGIN
    SELECT RAISE(ABORT, 'attempts are never replaced');
END;

CREATE TABLE bulk_cards (
    bulk  INTEGER NOT NULL REFERENCES bulk_revocations (number),
    place INTEGER NOT NULL CHECK (place >= 0), -- from 0
    card  INTEGER NOT NULL REFERENCES cards (number),
    PRIMARY KEY (bulk, place),
    UNIQUE (bulk, card)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER bulk_cards_are_never_deleted BEFORE DELETE ON bulk_cards
BEGIN
    SELECT RAISE(ABORT, 'the list of a bulk revocation never changes');
END;

CREATE TRIGGER bulk_cards_are_never_replaced BEFORE INSERT ON bulk_cards
WHEN EXISTS (SELECT 1 FROM bulk_cards WHERE bulk = NEW.bulk AND (place = NEW.place OR card = NEW.card))
BEGIN
    SELECT RAISE(ABORT, 'the list of a bulk revocation never changes');
END;

CREATE TRIGGER bulk_cards_never_change BEFORE UPDATE ON bulk_cards
BEGIN
    SELECT RAISE(ABORT, 'the list of a bulk revocation never changes');
END;

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

CREATE TRIGGER bulk_revocations_are_never_deleted BEFORE DELETE ON bulk_revocations
BEGIN
    SELECT RAISE(ABORT, 'bulk revocations are never deleted');
END;

CREATE TRIGGER bulk_revocations_are_never_replaced BEFORE INSERT ON bulk_revocations
WHEN EXISTS (SELECT 1 FROM bulk_revocations WHERE number = NEW.number OR bulk_id = NEW.bulk_id OR entry_id = NEW.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'bulk revocations are never replaced');
END;

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

CREATE TABLE cards (
    number   INTEGER PRIMARY KEY, -- ascending in the order of completion
    attempt  INTEGER NOT NULL UNIQUE REFERENCES attempts (number),
    order_id TEXT    NOT NULL UNIQUE REFERENCES orders (order_id)
) STRICT;

CREATE TRIGGER cards_are_never_deleted BEFORE DELETE ON cards
BEGIN
    SELECT RAISE(ABORT, 'cards are never deleted');
END;

CREATE TRIGGER cards_are_never_replaced BEFORE INSERT ON cards
WHEN EXISTS (SELECT 1 FROM cards WHERE number = NEW.number OR attempt = NEW.attempt OR order_id = NEW.order_id)
BEGIN
    SELECT RAISE(ABORT, 'cards are never replaced');
END;

CREATE TRIGGER cards_belong_to_complete_attempts BEFORE INSERT ON cards
WHEN NOT EXISTS (SELECT 1 FROM attempts WHERE number = NEW.attempt AND order_id = NEW.order_id AND state = 'complete')
BEGIN
    SELECT RAISE(ABORT, 'a card belongs to a complete attempt of its order');
END;

CREATE TRIGGER cards_never_change BEFORE UPDATE ON cards
BEGIN
    SELECT RAISE(ABORT, 'cards never change');
END;

CREATE TABLE certificates (
    card     INTEGER NOT NULL REFERENCES cards (number),
    position INTEGER NOT NULL,
    issuer   TEXT    NOT NULL,
    serial   BLOB,
    chr      TEXT,
    renewal  INTEGER NOT NULL, -- that of the order
    data     BLOB    NOT NULL CHECK (length(data) > 0), -- DER, or data object 7F21
    PRIMARY KEY (card, position)
) STRICT;

CREATE UNIQUE INDEX certificates_chr ON certificates (issuer, chr, renewal) WHERE chr IS NOT NULL;

CREATE UNIQUE INDEX certificates_serial ON certificates (issuer, serial) WHERE serial IS NOT NULL;

CREATE TRIGGER certificates_are_never_deleted BEFORE DELETE ON certificates
BEGIN
    SELECT RAISE(ABORT, 'certificates are never deleted');
END;

CREATE TRIGGER certificates_are_never_replaced BEFORE INSERT ON certificates
WHEN EXISTS (SELECT 1 FROM certificates WHERE rowid = NEW.rowid OR card = NEW.card AND position = NEW.position
    OR issuer = NEW.issuer AND (serial = NEW.serial OR chr = NEW.chr AND renewal = NEW.renewal))
BEGIN
    SELECT RAISE(ABORT, 'certificates are never replaced');
END;

CREATE TRIGGER certificates_are_signed_drafts BEFORE INSERT ON certificates
WHEN NOT EXISTS (SELECT 1 FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN drafts d ON d.attempt = c.attempt
    WHERE c.number = NEW.card AND d.position = NEW.position
    AND d.issuer = NEW.issuer AND d.serial IS NEW.serial AND d.chr IS NEW.chr AND o.renewal = NEW.renewal)
BEGIN
    SELECT RAISE(ABORT, 'a certificate is a signed draft of its card');
END;

CREATE TRIGGER certificates_never_change BEFORE UPDATE ON certificates
BEGIN
    SELECT RAISE(ABORT, 'certificates never change');
END;

CREATE TABLE checkpoints (
    size       INTEGER NOT NULL PRIMARY KEY,
    previous   INTEGER NOT NULL UNIQUE CHECK (previous >= 0), -- size of the head before, 0 for the first: no head has two successors
    root       BLOB    NOT NULL CHECK (length(root) = 32),
    at         INTEGER NOT NULL,
    checkpoint TEXT    CHECK (checkpoint <> ''), -- signed note (C2SP tlog-checkpoint); NULL until it is signed
    CHECK (size > previous)
) STRICT;

CREATE TRIGGER checkpoints_are_never_deleted BEFORE DELETE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are never deleted');
END;

CREATE TRIGGER checkpoints_are_never_replaced BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size OR previous = NEW.previous)
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are never replaced');
END;

CREATE TRIGGER checkpoints_change_only_by_signing BEFORE UPDATE ON checkpoints
WHEN NOT (NEW.size = OLD.size AND NEW.previous = OLD.previous AND NEW.root = OLD.root AND NEW.at = OLD.at
    AND NEW.checkpoint IS NOT NULL AND coalesce(OLD.checkpoint, NEW.checkpoint) = NEW.checkpoint)
BEGIN
    SELECT RAISE(ABORT, 'a head changes only by being signed');
END;

CREATE TABLE crl_parts (
    issuer TEXT    NOT NULL,
    number INTEGER NOT NULL,
    part   INTEGER NOT NULL CHECK (part >= 0),
    octets BLOB    NOT NULL CHECK (length(octets) BETWEEN 1 AND 1048576),
    PRIMARY KEY (issuer, number, part),
    FOREIGN KEY (issuer, number) REFERENCES published_crls (issuer, number)
) STRICT;

CREATE TRIGGER crl_parts_never_change BEFORE UPDATE ON crl_parts
BEGIN
    SELECT RAISE(ABORT, 'a published CRL never changes');
END;

CREATE TABLE crls (
    issuer      TEXT    NOT NULL REFERENCES issuers (name),
    number      INTEGER NOT NULL CHECK (number > 0), -- cRLNumber
    epoch       INTEGER NOT NULL CHECK (epoch >= 0), -- newest change of the status that is in it
    this_update INTEGER NOT NULL, -- milliseconds since 1970
    next_update INTEGER NOT NULL CHECK (next_update > this_update),
    entries     INTEGER NOT NULL CHECK (entries >= 0),
    body_sha256 BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    entry_id    INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    PRIMARY KEY (issuer, number)
) STRICT;

CREATE TRIGGER crls_are_never_deleted BEFORE DELETE ON crls
BEGIN
    SELECT RAISE(ABORT, 'a recorded CRL is never deleted');
END;

CREATE TRIGGER crls_are_never_replaced BEFORE INSERT ON crls
WHEN EXISTS (SELECT 1 FROM crls WHERE rowid = NEW.rowid OR issuer = NEW.issuer AND number = NEW.number OR entry_id = NEW.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'a recorded CRL never changes');
END;

CREATE TRIGGER crls_never_change BEFORE UPDATE ON crls
BEGIN
    SELECT RAISE(ABORT, 'a recorded CRL never changes');
END;

CREATE TABLE drafts (
    attempt      INTEGER NOT NULL REFERENCES attempts (number),
    position     INTEGER NOT NULL CHECK (position >= 0), -- from 0, in the order of the card type
    slot         TEXT    NOT NULL CHECK (slot <> ''),
    profile      TEXT    NOT NULL CHECK (profile <> ''),
    format       TEXT    NOT NULL CHECK (format IN ('x509', 'cvc')),
    issuer       TEXT    NOT NULL REFERENCES issuers (name),
    scheme       TEXT    NOT NULL CHECK (scheme <> ''),
    serial       BLOB    CHECK (length(serial) BETWEEN 1 AND 20),                         -- X.509 only: big-endian, no leading zeros
    chr          TEXT    CHECK (length(chr) = 24 AND chr NOT GLOB '*[^0-9A-F]*'),         -- CV certificates only
    not_before   INTEGER NOT NULL CHECK (not_before % 1000 = 0),
    not_after    INTEGER NOT NULL CHECK (not_after % 1000 = 0),
    key_hash     BLOB    NOT NULL CHECK (length(key_hash) = 32), -- SHA-256 of the DER SubjectPublicKeyInfo
    key_identity BLOB    NOT NULL REFERENCES subject_keys (key_identity),
    body         BLOB    CHECK (length(body) > 0), -- holds names; NULL after erasure, see below
    PRIMARY KEY (attempt, position),
    UNIQUE (attempt, slot),
    CHECK ((serial IS NOT NULL) = (format = 'x509')),
    CHECK ((chr IS NOT NULL) = (format = 'cvc')),
    CONSTRAINT ends_after_it_begins CHECK (not_after > not_before),
    -- Five calendar years less one second, to which the last second belongs. Five years after 29 February is 1 March. A year that the date
    -- functions cannot count to gives NULL, which is refused too.
    CONSTRAINT five_years CHECK ((not_after / 1000 < unixepoch(not_before / 1000, 'unixepoch', '+5 years')) IS TRUE)
) STRICT;

CREATE INDEX drafts_chr ON drafts (issuer, chr) WHERE chr IS NOT NULL;

CREATE UNIQUE INDEX drafts_serial ON drafts (issuer, serial) WHERE serial IS NOT NULL;

CREATE TRIGGER drafts_are_never_deleted BEFORE DELETE ON drafts
BEGIN
    SELECT RAISE(ABORT, 'drafts are never deleted');
END;

CREATE TRIGGER drafts_are_never_replaced BEFORE INSERT ON drafts
WHEN EXISTS (SELECT 1 FROM drafts WHERE rowid = NEW.rowid OR attempt = NEW.attempt AND (position = NEW.position OR slot = NEW.slot)
    OR issuer = NEW.issuer AND serial = NEW.serial)
BEGIN
    SELECT RAISE(ABORT, 'drafts are never replaced');
END;

CREATE TRIGGER drafts_begin_with_their_body BEFORE INSERT ON drafts
WHEN NEW.body IS NULL
BEGIN
    SELECT RAISE(ABORT, 'a draft begins with its body');
END;

CREATE TRIGGER drafts_belong_to_open_attempts BEFORE INSERT ON drafts
WHEN (SELECT state FROM attempts WHERE number = NEW.attempt) <> 'open'
BEGIN
    SELECT RAISE(ABORT, 'an attempt that has ended gets no drafts');
END;

CREATE TRIGGER drafts_change_only_by_erasure BEFORE UPDATE ON drafts
WHEN NOT (NEW.body IS NULL AND NEW.rowid = OLD.rowid AND NEW.attempt = OLD.attempt AND NEW.position = OLD.position AND NEW.slot = OLD.slot
    AND NEW.profile = OLD.profile AND NEW.format = OLD.format AND NEW.issuer = OLD.issuer AND NEW.scheme = OLD.scheme
    AND NEW.serial IS OLD.serial AND NEW.chr IS OLD.chr AND NEW.not_before = OLD.not_before AND NEW.not_after = OLD.not_after
    AND NEW.key_hash = OLD.key_hash AND NEW.key_identity = OLD.key_identity
    AND (SELECT state FROM attempts WHERE number = OLD.attempt) <> 'open')
BEGIN
    SELECT RAISE(ABORT, 'a draft changes only by erasure of its body, when its attempt has ended');
END;

CREATE TABLE entries (
    id              INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    kind            TEXT    NOT NULL CHECK (kind <> ''),
    at              INTEGER NOT NULL,
    actor           TEXT    NOT NULL CHECK (actor <> ''),
    facts           TEXT    NOT NULL CHECK (json_valid(facts)),
    personal        TEXT    CHECK (personal IS NULL OR json_valid(personal)),
    salt            BLOB    CHECK (length(salt) = 16),
    personal_sha256 BLOB    CHECK (length(personal_sha256) = 32), leaf_index INTEGER CHECK (leaf_index >= 0), -- SHA-256(salt || personal); stays when they are erased
    CHECK ((personal IS NULL) = (salt IS NULL)),
    CHECK (personal IS NULL OR personal_sha256 IS NOT NULL)
) STRICT;

CREATE INDEX entries_at ON entries (at, leaf_index);

CREATE INDEX entries_iccsn ON entries (json_extract(facts, '$.iccsn')) WHERE json_extract(facts, '$.iccsn') IS NOT NULL;

CREATE UNIQUE INDEX entries_leaf_index ON entries (leaf_index) WHERE leaf_index IS NOT NULL;

CREATE INDEX entries_unsequenced ON entries (id) WHERE leaf_index IS NULL;

CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries are never deleted');
END;

CREATE TRIGGER entries_are_never_replaced BEFORE INSERT ON entries
WHEN NEW.leaf_index IS NOT NULL OR EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'entries are never replaced');
END;

CREATE TRIGGER entries_change_only_by_erasure_or_numbering BEFORE UPDATE ON entries
WHEN NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.at = OLD.at AND NEW.actor = OLD.actor AND NEW.facts = OLD.facts
    AND NEW.personal_sha256 IS OLD.personal_sha256
    AND (NEW.personal IS NULL AND NEW.salt IS NULL AND NEW.leaf_index IS OLD.leaf_index
        OR NEW.personal IS OLD.personal AND NEW.salt IS OLD.salt AND OLD.leaf_index IS NULL AND NEW.leaf_index IS NOT NULL))
BEGIN
    SELECT RAISE(ABORT, 'an entry changes only by erasure of its personal data and by getting its place in the log');
END;

CREATE TRIGGER entries_replace_none_by_numbering BEFORE UPDATE OF leaf_index ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE leaf_index = NEW.leaf_index AND id <> OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'entries are never replaced');
END;

CREATE TABLE issuers (
    name        TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    issued_by   TEXT    NOT NULL REFERENCES issuers (name),                -- its own name for a root
    certificate BLOB    NOT NULL CHECK (length(certificate) > 0),          -- DER, data object 7F21, or 7F4E of a root of generation 1
    sha256      BLOB    NOT NULL UNIQUE CHECK (length(sha256) = 32),       -- of the certificate
    entry_id    INTEGER NOT NULL UNIQUE REFERENCES entries (id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER issuers_are_never_deleted BEFORE DELETE ON issuers
BEGIN
    SELECT RAISE(ABORT, 'issuers are never deleted');
END;

CREATE TRIGGER issuers_are_never_replaced BEFORE INSERT ON issuers
WHEN EXISTS (SELECT 1 FROM issuers WHERE name = NEW.name OR sha256 = NEW.sha256 OR entry_id = NEW.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'issuers are never replaced');
END;

CREATE TRIGGER issuers_never_change BEFORE UPDATE ON issuers
BEGIN
    SELECT RAISE(ABORT, 'issuers never change');
END;

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

CREATE TRIGGER key_sessions_are_never_deleted BEFORE DELETE ON key_sessions
BEGIN
    SELECT RAISE(ABORT, 'key sessions are never deleted');
END;

CREATE TRIGGER key_sessions_are_never_replaced BEFORE INSERT ON key_sessions
WHEN EXISTS (SELECT 1 FROM key_sessions WHERE number = NEW.number OR session_id = NEW.session_id OR entry_id = NEW.entry_id
    OR end_entry_id = NEW.end_entry_id OR issuer = NEW.issuer AND closed_at IS NULL AND NEW.closed_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'key sessions are never replaced');
END;

CREATE TRIGGER key_sessions_change_only_by_drawing_and_closing BEFORE UPDATE ON key_sessions
WHEN NOT (NEW.number = OLD.number AND NEW.session_id = OLD.session_id AND NEW.issuer = OLD.issuer AND NEW.approval_id IS OLD.approval_id
    AND NEW.signatures = OLD.signatures AND NEW.opened_at = OLD.opened_at AND NEW.ends = OLD.ends AND NEW.entry_id = OLD.entry_id
    AND OLD.closed_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'a key session changes only by drawing and by closing');
END;

CREATE TRIGGER key_sessions_replace_none_by_closing BEFORE UPDATE ON key_sessions
WHEN EXISTS (SELECT 1 FROM key_sessions WHERE number <> OLD.number AND end_entry_id = NEW.end_entry_id)
BEGIN
    SELECT RAISE(ABORT, 'key sessions are never replaced');
END;

CREATE TABLE orders (
    order_id    TEXT    NOT NULL PRIMARY KEY CHECK (order_id <> ''),
    order_hash  BLOB    NOT NULL CHECK (length(order_hash) = 32), -- of the canonical form: package ca
    order_json  TEXT,                                             -- personal data; NULL after erasure
    iccsn       TEXT    NOT NULL CHECK (iccsn <> ''),
    card_type   TEXT    NOT NULL CHECK (card_type <> ''),
    sector      TEXT    NOT NULL CHECK (sector <> ''),
    recorded_at INTEGER NOT NULL,
    renews      TEXT    REFERENCES orders (order_id),             -- the order that made the card; NULL for that order itself
    renewal     INTEGER NOT NULL DEFAULT 0,                       -- number among the renewals of the card; 0 for the card itself
    CHECK (renews <> order_id),
    CHECK (renewal >= 0 AND (renewal = 0) = (renews IS NULL))
) STRICT;

CREATE UNIQUE INDEX orders_iccsn ON orders (iccsn) WHERE renews IS NULL;

CREATE UNIQUE INDEX orders_renewal ON orders (renews, renewal) WHERE renews IS NOT NULL;

CREATE TRIGGER orders_are_never_deleted BEFORE DELETE ON orders
BEGIN
    SELECT RAISE(ABORT, 'orders are never deleted');
END;

CREATE TRIGGER orders_are_never_replaced BEFORE INSERT ON orders
WHEN EXISTS (SELECT 1 FROM orders WHERE rowid = NEW.rowid OR order_id = NEW.order_id
    OR iccsn = NEW.iccsn AND renews IS NULL AND NEW.renews IS NULL OR renews = NEW.renews AND renewal = NEW.renewal)
BEGIN
    SELECT RAISE(ABORT, 'orders are never replaced');
END;

CREATE TRIGGER orders_change_only_by_erasure BEFORE UPDATE ON orders
WHEN NOT (NEW.rowid = OLD.rowid AND NEW.order_id = OLD.order_id AND NEW.order_hash = OLD.order_hash AND NEW.order_json IS NULL AND NEW.iccsn = OLD.iccsn
    AND NEW.card_type = OLD.card_type AND NEW.sector = OLD.sector AND NEW.recorded_at = OLD.recorded_at
    AND NEW.renews IS OLD.renews AND NEW.renewal = OLD.renewal)
BEGIN
    SELECT RAISE(ABORT, 'an order changes only by erasure of its personal data');
END;

CREATE TABLE published_crls (
    issuer   TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    size     INTEGER NOT NULL CHECK (size > 0), -- octets of the CRL
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32),
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    PRIMARY KEY (issuer, number),
    FOREIGN KEY (issuer, number) REFERENCES crls (issuer, number)
) STRICT;

CREATE TRIGGER published_crls_are_never_deleted BEFORE DELETE ON published_crls
BEGIN
    SELECT RAISE(ABORT, 'that a CRL was published is never deleted');
END;

CREATE TRIGGER published_crls_are_never_replaced BEFORE INSERT ON published_crls
WHEN EXISTS (SELECT 1 FROM published_crls WHERE rowid = NEW.rowid OR issuer = NEW.issuer AND number = NEW.number OR entry_id = NEW.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'a published CRL never changes');
END;

CREATE TRIGGER published_crls_never_change BEFORE UPDATE ON published_crls
BEGIN
    SELECT RAISE(ABORT, 'a published CRL never changes');
END;

CREATE TABLE revocations (
    issuer    TEXT    NOT NULL,
    serial    BLOB    NOT NULL,
    epoch     INTEGER NOT NULL REFERENCES status_changes (epoch),
    at        INTEGER NOT NULL, -- that of the change, as the reason is
    reason    TEXT    NOT NULL,
    not_after INTEGER NOT NULL, -- of the certificate
    PRIMARY KEY (issuer, serial)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER revocations_are_changes_of_the_status BEFORE INSERT ON revocations
WHEN NOT EXISTS (SELECT 1 FROM status_changes s JOIN certificates t ON t.card = s.card
    JOIN cards c ON c.number = t.card JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
    WHERE s.epoch = NEW.epoch AND s.state = 'revoked' AND s.at = NEW.at AND s.reason = NEW.reason AND coalesce(s.place, t.position) = t.position
        AND t.issuer = NEW.issuer AND t.serial = NEW.serial AND d.not_after = NEW.not_after)
BEGIN
    SELECT RAISE(ABORT, 'a revocation is that of a change of the status');
END;

CREATE TRIGGER revocations_are_never_deleted BEFORE DELETE ON revocations
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;

CREATE TRIGGER revocations_are_never_replaced BEFORE INSERT ON revocations
WHEN EXISTS (SELECT 1 FROM revocations WHERE issuer = NEW.issuer AND serial = NEW.serial)
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;

CREATE TRIGGER revocations_never_change BEFORE UPDATE ON revocations
BEGIN
    SELECT RAISE(ABORT, 'a revocation is final');
END;

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

CREATE INDEX status_changes_of_card ON status_changes (card, epoch);

CREATE TRIGGER status_changes_are_never_deleted BEFORE DELETE ON status_changes
BEGIN
    SELECT RAISE(ABORT, 'changes of the status are never deleted');
END;

CREATE TRIGGER status_changes_are_never_replaced BEFORE INSERT ON status_changes
WHEN EXISTS (SELECT 1 FROM status_changes WHERE epoch = NEW.epoch OR entry_id = NEW.entry_id
    OR card = NEW.card AND state = NEW.state AND place IS NULL AND NEW.place IS NULL
    OR card = NEW.card AND place = NEW.place AND place IS NOT NULL) -- spelt so that each has its index
BEGIN
    SELECT RAISE(ABORT, 'changes of the status are never replaced');
END;

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

CREATE TRIGGER status_changes_never_change BEFORE UPDATE ON status_changes
BEGIN
    SELECT RAISE(ABORT, 'changes of the status never change');
END;

CREATE TABLE subject_keys (
    key_identity BLOB NOT NULL PRIMARY KEY CHECK (length(key_identity) = 32), -- pkix.KeyIdentity
    order_id     TEXT NOT NULL REFERENCES orders (order_id),
    slot         TEXT NOT NULL CHECK (slot <> '')
) STRICT, WITHOUT ROWID;

CREATE TRIGGER subject_keys_are_never_deleted BEFORE DELETE ON subject_keys
BEGIN
    SELECT RAISE(ABORT, 'subject keys are never deleted');
END;

CREATE TRIGGER subject_keys_are_never_replaced BEFORE INSERT ON subject_keys
WHEN EXISTS (SELECT 1 FROM subject_keys WHERE key_identity = NEW.key_identity)
BEGIN
    SELECT RAISE(ABORT, 'subject keys are never replaced');
END;

CREATE TRIGGER subject_keys_never_change BEFORE UPDATE ON subject_keys
BEGIN
    SELECT RAISE(ABORT, 'subject keys never change hands');
END;

CREATE TABLE tiles (
    level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 6),
    number INTEGER NOT NULL CHECK (number >= 0), -- within the level, from 0
    hashes BLOB    NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, number)
) STRICT;

CREATE TRIGGER tiles_are_never_deleted BEFORE DELETE ON tiles
BEGIN
    SELECT RAISE(ABORT, 'tiles are never deleted');
END;

CREATE TRIGGER tiles_are_never_replaced BEFORE INSERT ON tiles
WHEN EXISTS (SELECT 1 FROM tiles WHERE rowid = NEW.rowid OR level = NEW.level AND number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'tiles are never replaced');
END;

CREATE TRIGGER tiles_only_grow BEFORE UPDATE ON tiles
WHEN NOT (NEW.rowid = OLD.rowid AND NEW.level = OLD.level AND NEW.number = OLD.number AND substr(NEW.hashes, 1, length(OLD.hashes)) = OLD.hashes)
BEGIN
    SELECT RAISE(ABORT, 'tiles only grow');
END;
