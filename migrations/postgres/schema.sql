-- The schema that the migrations add up to, in PostgreSQL's own words. Written by
-- go test ./internal/store/postgres -run TestSchema -update

CREATE TABLE approvals (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    approval_id text COLLATE "C" NOT NULL,
    act text NOT NULL,
    summary text NOT NULL,
    parameters json NOT NULL,
    hash bytea NOT NULL,
    reason text,
    requested_by text NOT NULL,
    requested_person text COLLATE "C" NOT NULL,
    requested_at timestamp(3) with time zone NOT NULL,
    expires timestamp(3) with time zone NOT NULL,
    entry_id bigint NOT NULL,
    state text NOT NULL,
    decided_by text,
    decided_person text COLLATE "C",
    decided_at timestamp(3) with time zone,
    decision_entry bigint,
    ended_at timestamp(3) with time zone,
    end_entry bigint,
    CONSTRAINT approvals_approval_id_key UNIQUE (approval_id),
    CONSTRAINT approvals_decision_entry_key UNIQUE (decision_entry),
    CONSTRAINT approvals_end_entry_key UNIQUE (end_entry),
    CONSTRAINT approvals_entry_id_key UNIQUE (entry_id),
    CONSTRAINT approvals_pkey PRIMARY KEY (number),
    CONSTRAINT approvals_decision_entry_fkey FOREIGN KEY (decision_entry) REFERENCES entries(id),
    CONSTRAINT approvals_end_entry_fkey FOREIGN KEY (end_entry) REFERENCES entries(id),
    CONSTRAINT approvals_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT approvals_act_check CHECK (act <> ''::text),
    CONSTRAINT approvals_approval_id_check CHECK (approval_id ~ '^[0-9a-f]{32}$'::text),
    CONSTRAINT approvals_check CHECK (hash = sha256(convert_to(parameters::text, 'UTF8'::name))),
    CONSTRAINT approvals_check1 CHECK (expires > requested_at),
    CONSTRAINT approvals_check2 CHECK (decided_at < expires),
    CONSTRAINT approvals_check3 CHECK (state <> 'pending'::text OR decision_entry IS NULL),
    CONSTRAINT approvals_check4 CHECK ((state <> ALL (ARRAY['approved'::text, 'rejected'::text, 'used'::text])) OR decision_entry IS NOT NULL),
    CONSTRAINT approvals_check5 CHECK ((decision_entry IS NULL) = (decided_by IS NULL) AND (decision_entry IS NULL) = (decided_person IS NULL) AND (decision_entry IS NULL) = (decided_at IS NULL)),
    CONSTRAINT approvals_check6 CHECK ((end_entry IS NOT NULL) = (state = ANY (ARRAY['used'::text, 'expired'::text])) AND (end_entry IS NULL) = (ended_at IS NULL)),
    CONSTRAINT approvals_check7 CHECK (state <> 'used'::text OR ended_at < expires),
    CONSTRAINT approvals_check8 CHECK (state <> 'expired'::text OR ended_at >= expires),
    CONSTRAINT approvals_decided_by_check CHECK (decided_by <> ''::text),
    CONSTRAINT approvals_decided_person_check CHECK (decided_person <> ''::text),
    CONSTRAINT approvals_parameters_check CHECK (json_typeof(parameters) = 'object'::text),
    CONSTRAINT approvals_reason_check CHECK (reason <> ''::text),
    CONSTRAINT approvals_requested_by_check CHECK (requested_by <> ''::text),
    CONSTRAINT approvals_requested_person_check CHECK (requested_person <> ''::text),
    CONSTRAINT approvals_state_check CHECK (state = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'used'::text, 'expired'::text])),
    CONSTRAINT approvals_summary_check CHECK (summary <> ''::text),
    CONSTRAINT four_eyes CHECK (state = 'rejected'::text OR decided_person <> requested_person)
);

CREATE INDEX approvals_used ON approvals USING btree (act, number) WHERE state = 'used'::text;

CREATE INDEX approvals_waiting ON approvals USING btree (number) WHERE state = ANY (ARRAY['pending'::text, 'approved'::text]);

CREATE TRIGGER approvals_are_never_deleted BEFORE DELETE OR TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE FUNCTION refuse('requests are never deleted');

CREATE TRIGGER approvals_begin_pending BEFORE INSERT ON approvals FOR EACH ROW WHEN (new.state <> 'pending'::text OR new.reason IS NULL) EXECUTE FUNCTION refuse('a request begins as pending, with its reason');

CREATE TRIGGER approvals_only_go_on BEFORE UPDATE ON approvals FOR EACH ROW WHEN (NOT (new.number = old.number AND new.approval_id = old.approval_id AND new.act = old.act AND new.summary = old.summary AND new.parameters::text = old.parameters::text AND new.hash = old.hash AND new.requested_by = old.requested_by AND new.requested_person = old.requested_person AND new.requested_at = old.requested_at AND new.expires = old.expires AND new.entry_id = old.entry_id AND (NOT new.reason IS DISTINCT FROM old.reason AND old.state = 'pending'::text AND (new.state = ANY (ARRAY['approved'::text, 'rejected'::text, 'expired'::text])) OR NOT new.decided_by IS DISTINCT FROM old.decided_by AND NOT new.decided_person IS DISTINCT FROM old.decided_person AND NOT new.decided_at IS DISTINCT FROM old.decided_at AND NOT new.decision_entry IS DISTINCT FROM old.decision_entry AND (NOT new.reason IS DISTINCT FROM old.reason AND old.state = 'approved'::text AND (new.state = ANY (ARRAY['used'::text, 'expired'::text])) OR new.reason IS NULL AND new.state = old.state AND NOT new.ended_at IS DISTINCT FROM old.ended_at AND NOT new.end_entry IS DISTINCT FROM old.end_entry)))) EXECUTE FUNCTION refuse('a request changes only by a decision, by its end and by erasure of its reason');

CREATE TABLE attempts (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    attempt_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    server bigint NOT NULL,
    state text NOT NULL,
    warnings text[] NOT NULL,
    at timestamp(3) with time zone NOT NULL,
    entry_id bigint NOT NULL,
    ended_at timestamp(3) with time zone,
    end_entry_id bigint,
    CONSTRAINT attempts_attempt_id_key UNIQUE (attempt_id),
    CONSTRAINT attempts_end_entry_id_key UNIQUE (end_entry_id),
    CONSTRAINT attempts_entry_id_key UNIQUE (entry_id),
    CONSTRAINT attempts_pkey PRIMARY KEY (number),
    CONSTRAINT attempts_end_entry_id_fkey FOREIGN KEY (end_entry_id) REFERENCES entries(id),
    CONSTRAINT attempts_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT attempts_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(order_id),
    CONSTRAINT attempts_attempt_id_check CHECK (attempt_id ~ '^[0-9a-f]{32}$'::text),
    CONSTRAINT attempts_check CHECK ((state = 'open'::text) = (ended_at IS NULL)),
    CONSTRAINT attempts_check1 CHECK ((state = 'open'::text) = (end_entry_id IS NULL)),
    CONSTRAINT attempts_state_check CHECK (state = ANY (ARRAY['open'::text, 'complete'::text, 'abandoned'::text]))
);

CREATE INDEX attempts_abandoned ON attempts USING btree (order_id, number) WHERE state = 'abandoned'::text;

CREATE UNIQUE INDEX attempts_complete ON attempts USING btree (order_id) WHERE state = 'complete'::text;

CREATE UNIQUE INDEX attempts_open ON attempts USING btree (order_id) WHERE state = 'open'::text;

CREATE TRIGGER attempts_are_never_deleted BEFORE DELETE OR TRUNCATE ON attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse('attempts are never deleted');

CREATE TRIGGER attempts_change_only_by_ending BEFORE UPDATE ON attempts FOR EACH ROW WHEN (NOT (old.state = 'open'::text AND new.state <> 'open'::text AND new.number = old.number AND new.attempt_id = old.attempt_id AND new.order_id = old.order_id AND new.server = old.server AND new.warnings = old.warnings AND new.at = old.at AND new.entry_id = old.entry_id)) EXECUTE FUNCTION refuse('an attempt changes only by ending');

CREATE TABLE bulk_cards (
    bulk bigint NOT NULL,
    place integer NOT NULL,
    card bigint NOT NULL,
    CONSTRAINT bulk_cards_bulk_card_key UNIQUE (bulk, card),
    CONSTRAINT bulk_cards_pkey PRIMARY KEY (bulk, place),
    CONSTRAINT bulk_cards_bulk_fkey FOREIGN KEY (bulk) REFERENCES bulk_revocations(number),
    CONSTRAINT bulk_cards_card_fkey FOREIGN KEY (card) REFERENCES cards(number),
    CONSTRAINT bulk_cards_place_check CHECK (place >= 0)
);

CREATE TRIGGER bulk_cards_are_never_deleted BEFORE DELETE OR TRUNCATE ON bulk_cards FOR EACH STATEMENT EXECUTE FUNCTION refuse('the list of a bulk revocation never changes');

CREATE TRIGGER bulk_cards_never_change BEFORE UPDATE ON bulk_cards FOR EACH STATEMENT EXECUTE FUNCTION refuse('the list of a bulk revocation never changes');

CREATE TABLE bulk_revocations (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    bulk_id text COLLATE "C" NOT NULL,
    selection json NOT NULL,
    requester text NOT NULL,
    reason text NOT NULL,
    ground text NOT NULL,
    requested_at timestamp(3) with time zone NOT NULL,
    planned_at timestamp(3) with time zone NOT NULL,
    planned_by text NOT NULL,
    cards integer NOT NULL,
    list_sha256 bytea NOT NULL,
    entry_id bigint NOT NULL,
    state text NOT NULL,
    done integer NOT NULL,
    revoked integer NOT NULL,
    started_by text,
    started_at timestamp(3) with time zone,
    ended_at timestamp(3) with time zone,
    CONSTRAINT bulk_revocations_bulk_id_key UNIQUE (bulk_id),
    CONSTRAINT bulk_revocations_entry_id_key UNIQUE (entry_id),
    CONSTRAINT bulk_revocations_pkey PRIMARY KEY (number),
    CONSTRAINT bulk_revocations_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT bulk_revocations_bulk_id_check CHECK (bulk_id ~ '^[0-9a-f]{32}$'::text),
    CONSTRAINT bulk_revocations_cards_check CHECK (cards > 0),
    CONSTRAINT bulk_revocations_check CHECK (done >= 0 AND done <= cards),
    CONSTRAINT bulk_revocations_check1 CHECK (revoked >= 0 AND revoked <= done),
    CONSTRAINT bulk_revocations_check2 CHECK ((state = 'planned'::text) = (started_at IS NULL) AND (started_by IS NULL) = (started_at IS NULL)),
    CONSTRAINT bulk_revocations_check3 CHECK (state <> 'planned'::text OR done = 0),
    CONSTRAINT bulk_revocations_check4 CHECK ((state = 'ended'::text) = (ended_at IS NOT NULL) AND (state <> 'ended'::text OR done = cards)),
    CONSTRAINT bulk_revocations_ground_check CHECK (ground <> ''::text),
    CONSTRAINT bulk_revocations_list_sha256_check CHECK (octet_length(list_sha256) = 32),
    CONSTRAINT bulk_revocations_planned_by_check CHECK (planned_by <> ''::text),
    CONSTRAINT bulk_revocations_reason_check CHECK (reason <> ''::text),
    CONSTRAINT bulk_revocations_requester_check CHECK (requester <> ''::text),
    CONSTRAINT bulk_revocations_started_by_check CHECK (started_by <> ''::text),
    CONSTRAINT bulk_revocations_state_check CHECK (state = ANY (ARRAY['planned'::text, 'running'::text, 'paused'::text, 'ended'::text]))
);

CREATE INDEX bulk_revocations_running ON bulk_revocations USING btree (number) WHERE state = 'running'::text;

CREATE TRIGGER bulk_revocations_are_never_deleted BEFORE DELETE OR TRUNCATE ON bulk_revocations FOR EACH STATEMENT EXECUTE FUNCTION refuse('bulk revocations are never deleted');

CREATE TRIGGER bulk_revocations_lead_forward BEFORE UPDATE ON bulk_revocations FOR EACH ROW WHEN (NOT (new.number = old.number AND new.bulk_id = old.bulk_id AND new.selection::text = old.selection::text AND new.requester = old.requester AND new.reason = old.reason AND new.ground = old.ground AND new.requested_at = old.requested_at AND new.planned_at = old.planned_at AND new.planned_by = old.planned_by AND new.cards = old.cards AND new.list_sha256 = old.list_sha256 AND new.entry_id = old.entry_id AND NOT COALESCE(old.started_at, new.started_at) IS DISTINCT FROM new.started_at AND NOT COALESCE(old.started_by, new.started_by) IS DISTINCT FROM new.started_by AND old.state <> 'ended'::text AND new.state <> 'planned'::text AND new.done >= old.done AND (new.revoked - old.revoked) >= 0 AND (new.revoked - old.revoked) <= (new.done - old.done) AND (new.done = old.done OR old.state = 'running'::text AND new.state = 'running'::text))) EXECUTE FUNCTION refuse('a bulk revocation only leads forward');

CREATE TABLE cards (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    attempt bigint NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    CONSTRAINT cards_attempt_key UNIQUE (attempt),
    CONSTRAINT cards_order_id_key UNIQUE (order_id),
    CONSTRAINT cards_pkey PRIMARY KEY (number),
    CONSTRAINT cards_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempts(number),
    CONSTRAINT cards_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(order_id)
);

CREATE TRIGGER cards_are_never_deleted BEFORE DELETE OR TRUNCATE ON cards FOR EACH STATEMENT EXECUTE FUNCTION refuse('cards are never deleted');

CREATE TRIGGER cards_belong_to_complete_attempts AFTER INSERT ON cards REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_cards_of_other_attempts();

CREATE TRIGGER cards_never_change BEFORE UPDATE ON cards FOR EACH STATEMENT EXECUTE FUNCTION refuse('cards never change');

CREATE TABLE certificates (
    card bigint NOT NULL,
    position integer NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    serial bytea,
    chr text COLLATE "C",
    renewal integer NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT certificates_pkey PRIMARY KEY (card, "position"),
    CONSTRAINT certificates_card_fkey FOREIGN KEY (card) REFERENCES cards(number),
    CONSTRAINT certificates_data_check CHECK (octet_length(data) > 0)
);

CREATE UNIQUE INDEX certificates_chr ON certificates USING btree (issuer, chr, renewal) WHERE chr IS NOT NULL;

CREATE UNIQUE INDEX certificates_serial ON certificates USING btree (issuer, serial) WHERE serial IS NOT NULL;

CREATE TRIGGER certificates_are_never_deleted BEFORE DELETE OR TRUNCATE ON certificates FOR EACH STATEMENT EXECUTE FUNCTION refuse('certificates are never deleted');

CREATE TRIGGER certificates_are_signed_drafts AFTER INSERT ON certificates REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_certificates_of_no_draft();

CREATE TRIGGER certificates_never_change BEFORE UPDATE ON certificates FOR EACH STATEMENT EXECUTE FUNCTION refuse('certificates never change');

CREATE TABLE checkpoints (
    size bigint NOT NULL,
    previous bigint NOT NULL,
    root bytea NOT NULL,
    at timestamp(3) with time zone NOT NULL,
    checkpoint text,
    CONSTRAINT checkpoints_previous_key UNIQUE (previous),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (size),
    CONSTRAINT checkpoints_check CHECK (size > previous),
    CONSTRAINT checkpoints_checkpoint_check CHECK (checkpoint <> ''::text),
    CONSTRAINT checkpoints_previous_check CHECK (previous >= 0),
    CONSTRAINT checkpoints_root_check CHECK (octet_length(root) = 32)
);

CREATE TRIGGER checkpoints_are_never_deleted BEFORE DELETE OR TRUNCATE ON checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse('checkpoints are never deleted');

CREATE TRIGGER checkpoints_change_only_by_signing BEFORE UPDATE ON checkpoints FOR EACH ROW WHEN (NOT (new.size = old.size AND new.previous = old.previous AND new.root = old.root AND new.at = old.at AND new.checkpoint IS NOT NULL AND COALESCE(old.checkpoint, new.checkpoint) = new.checkpoint)) EXECUTE FUNCTION refuse('a head changes only by being signed');

CREATE TABLE crl_parts (
    issuer text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    part integer NOT NULL,
    octets bytea NOT NULL,
    CONSTRAINT crl_parts_pkey PRIMARY KEY (issuer, number, part),
    CONSTRAINT crl_parts_issuer_number_fkey FOREIGN KEY (issuer, number) REFERENCES published_crls(issuer, number),
    CONSTRAINT crl_parts_octets_check CHECK (octet_length(octets) >= 1 AND octet_length(octets) <= 1048576),
    CONSTRAINT crl_parts_part_check CHECK (part >= 0)
);

CREATE TRIGGER crl_parts_never_change BEFORE UPDATE ON crl_parts FOR EACH STATEMENT EXECUTE FUNCTION refuse('a published CRL never changes');

CREATE TABLE crls (
    issuer text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    epoch bigint NOT NULL,
    this_update timestamp(0) with time zone NOT NULL,
    next_update timestamp(0) with time zone NOT NULL,
    entries integer NOT NULL,
    body_sha256 bytea NOT NULL,
    entry_id bigint NOT NULL,
    CONSTRAINT crls_entry_id_key UNIQUE (entry_id),
    CONSTRAINT crls_pkey PRIMARY KEY (issuer, number),
    CONSTRAINT crls_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT crls_issuer_fkey FOREIGN KEY (issuer) REFERENCES issuers(name),
    CONSTRAINT crls_body_sha256_check CHECK (octet_length(body_sha256) = 32),
    CONSTRAINT crls_check CHECK (next_update > this_update),
    CONSTRAINT crls_entries_check CHECK (entries >= 0),
    CONSTRAINT crls_epoch_check CHECK (epoch >= 0),
    CONSTRAINT crls_number_check CHECK (number > 0)
);

CREATE TRIGGER crls_are_never_deleted BEFORE DELETE OR TRUNCATE ON crls FOR EACH STATEMENT EXECUTE FUNCTION refuse('a recorded CRL is never deleted');

CREATE TRIGGER crls_never_change BEFORE UPDATE ON crls FOR EACH STATEMENT EXECUTE FUNCTION refuse('a recorded CRL never changes');

CREATE TABLE drafts (
    attempt bigint NOT NULL,
    position integer NOT NULL,
    slot text COLLATE "C" NOT NULL,
    profile text NOT NULL,
    format text NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    scheme text NOT NULL,
    serial bytea,
    chr text COLLATE "C",
    not_before timestamp(0) with time zone NOT NULL,
    not_after timestamp(0) with time zone NOT NULL,
    key_hash bytea NOT NULL,
    key_identity bytea NOT NULL,
    body bytea,
    CONSTRAINT drafts_attempt_slot_key UNIQUE (attempt, slot),
    CONSTRAINT drafts_pkey PRIMARY KEY (attempt, "position"),
    CONSTRAINT drafts_attempt_fkey FOREIGN KEY (attempt) REFERENCES attempts(number),
    CONSTRAINT drafts_key_identity_fkey FOREIGN KEY (key_identity) REFERENCES subject_keys(key_identity),
    CONSTRAINT drafts_body_check CHECK (octet_length(body) > 0),
    CONSTRAINT drafts_check CHECK ((serial IS NOT NULL) = (format = 'x509'::text)),
    CONSTRAINT drafts_check1 CHECK ((chr IS NOT NULL) = (format = 'cvc'::text)),
    CONSTRAINT drafts_chr_check CHECK (chr ~ '^[0-9A-F]{24}$'::text),
    CONSTRAINT drafts_format_check CHECK (format = ANY (ARRAY['x509'::text, 'cvc'::text])),
    CONSTRAINT drafts_key_hash_check CHECK (octet_length(key_hash) = 32),
    CONSTRAINT drafts_position_check CHECK ("position" >= 0),
    CONSTRAINT drafts_profile_check CHECK (profile <> ''::text),
    CONSTRAINT drafts_scheme_check CHECK (scheme <> ''::text),
    CONSTRAINT drafts_serial_check CHECK (octet_length(serial) >= 1 AND octet_length(serial) <= 20),
    CONSTRAINT drafts_slot_check CHECK (slot <> ''::text),
    CONSTRAINT ends_after_it_begins CHECK (not_after > not_before),
    CONSTRAINT five_years CHECK ((not_before AT TIME ZONE 'UTC'::text) < '9995-01-01 00:00:00'::timestamp without time zone AND (not_after AT TIME ZONE 'UTC'::text) < (date_trunc('month'::text, (not_before AT TIME ZONE 'UTC'::text)) + '5 years'::interval + ((not_before AT TIME ZONE 'UTC'::text) - date_trunc('month'::text, (not_before AT TIME ZONE 'UTC'::text)))))
);

CREATE INDEX drafts_chr ON drafts USING btree (issuer, chr) WHERE chr IS NOT NULL;

CREATE UNIQUE INDEX drafts_serial ON drafts USING btree (issuer, serial) WHERE serial IS NOT NULL;

CREATE TRIGGER drafts_are_never_deleted BEFORE DELETE OR TRUNCATE ON drafts FOR EACH STATEMENT EXECUTE FUNCTION refuse('drafts are never deleted');

CREATE TRIGGER drafts_begin_with_their_body BEFORE INSERT ON drafts FOR EACH ROW WHEN (new.body IS NULL) EXECUTE FUNCTION refuse('a draft begins with its body');

CREATE TRIGGER drafts_belong_to_open_attempts AFTER INSERT ON drafts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_drafts_of_ended_attempts();

CREATE TRIGGER drafts_change_only_by_erasure BEFORE UPDATE ON drafts FOR EACH ROW EXECUTE FUNCTION refuse_changes_of_drafts();

CREATE TRIGGER drafts_name_known_issuers AFTER INSERT ON drafts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_issuers();

CREATE TABLE entries (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    at timestamp(3) with time zone NOT NULL,
    actor text NOT NULL,
    facts json NOT NULL,
    personal json,
    salt bytea,
    personal_sha256 bytea,
    leaf_index bigint,
    CONSTRAINT entries_pkey PRIMARY KEY (id),
    CONSTRAINT entries_actor_check CHECK (actor <> ''::text),
    CONSTRAINT entries_check CHECK ((personal IS NULL) = (salt IS NULL)),
    CONSTRAINT entries_check1 CHECK (personal IS NULL OR personal_sha256 IS NOT NULL),
    CONSTRAINT entries_kind_check CHECK (kind <> ''::text),
    CONSTRAINT entries_leaf_index_check CHECK (leaf_index >= 0),
    CONSTRAINT entries_personal_sha256_check CHECK (octet_length(personal_sha256) = 32),
    CONSTRAINT entries_salt_check CHECK (octet_length(salt) = 16)
);

CREATE INDEX entries_at ON entries USING btree (at, leaf_index);

CREATE INDEX entries_iccsn ON entries USING btree ("substring"(facts::text, '"iccsn":"([0-9]{20})"'::text)) WHERE "substring"(facts::text, '"iccsn":"([0-9]{20})"'::text) IS NOT NULL;

CREATE UNIQUE INDEX entries_leaf_index ON entries USING btree (leaf_index) WHERE leaf_index IS NOT NULL;

CREATE INDEX entries_unsequenced ON entries USING btree (id) WHERE leaf_index IS NULL;

CREATE TRIGGER entries_are_never_deleted BEFORE DELETE OR TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION refuse('entries are never deleted');

CREATE TRIGGER entries_change_only_by_erasure_or_numbering BEFORE UPDATE ON entries FOR EACH ROW WHEN (NOT (new.id = old.id AND new.kind = old.kind AND new.at = old.at AND new.actor = old.actor AND new.facts::text = old.facts::text AND NOT new.personal_sha256 IS DISTINCT FROM old.personal_sha256 AND (new.personal IS NULL AND new.salt IS NULL AND NOT new.leaf_index IS DISTINCT FROM old.leaf_index OR NOT new.personal::text IS DISTINCT FROM old.personal::text AND NOT new.salt IS DISTINCT FROM old.salt AND old.leaf_index IS NULL AND new.leaf_index IS NOT NULL))) EXECUTE FUNCTION refuse('an entry changes only by erasure of its personal data and by getting its place in the log');

CREATE TABLE issuers (
    name text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    issued_by text COLLATE "C" NOT NULL,
    certificate bytea NOT NULL,
    sha256 bytea NOT NULL,
    entry_id bigint NOT NULL,
    CONSTRAINT issuers_entry_id_key UNIQUE (entry_id),
    CONSTRAINT issuers_sha256_key UNIQUE (sha256),
    CONSTRAINT issuers_pkey PRIMARY KEY (name),
    CONSTRAINT issuers_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT issuers_issued_by_fkey FOREIGN KEY (issued_by) REFERENCES issuers(name),
    CONSTRAINT issuers_certificate_check CHECK (octet_length(certificate) > 0),
    CONSTRAINT issuers_check CHECK (sha256 = sha256(certificate)),
    CONSTRAINT issuers_kind_check CHECK (kind <> ''::text),
    CONSTRAINT issuers_name_check CHECK (name <> ''::text)
);

CREATE TRIGGER issuers_are_never_deleted BEFORE DELETE OR TRUNCATE ON issuers FOR EACH STATEMENT EXECUTE FUNCTION refuse('issuers are never deleted');

CREATE TRIGGER issuers_never_change BEFORE UPDATE ON issuers FOR EACH STATEMENT EXECUTE FUNCTION refuse('issuers never change');

CREATE TABLE key_sessions (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    session_id text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    approval_id text COLLATE "C",
    signatures bigint NOT NULL,
    drawn bigint NOT NULL,
    servers bigint[] NOT NULL,
    opened_at timestamp(3) with time zone NOT NULL,
    ends timestamp(3) with time zone NOT NULL,
    entry_id bigint NOT NULL,
    closed_at timestamp(3) with time zone,
    reason text,
    end_entry_id bigint,
    CONSTRAINT key_sessions_end_entry_id_key UNIQUE (end_entry_id),
    CONSTRAINT key_sessions_entry_id_key UNIQUE (entry_id),
    CONSTRAINT key_sessions_session_id_key UNIQUE (session_id),
    CONSTRAINT key_sessions_pkey PRIMARY KEY (number),
    CONSTRAINT key_sessions_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES approvals(approval_id),
    CONSTRAINT key_sessions_end_entry_id_fkey FOREIGN KEY (end_entry_id) REFERENCES entries(id),
    CONSTRAINT key_sessions_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT key_sessions_issuer_fkey FOREIGN KEY (issuer) REFERENCES issuers(name),
    CONSTRAINT key_sessions_check CHECK (ends > opened_at),
    CONSTRAINT key_sessions_check1 CHECK ((closed_at IS NULL) = (reason IS NULL) AND (closed_at IS NULL) = (end_entry_id IS NULL)),
    CONSTRAINT key_sessions_reason_check CHECK (reason <> ''::text),
    CONSTRAINT key_sessions_session_id_check CHECK (session_id ~ '^[0-9a-f]{32}$'::text),
    CONSTRAINT key_sessions_signatures_check CHECK (signatures > 0),
    CONSTRAINT never_more_than_allowed CHECK (drawn >= 0 AND drawn <= signatures)
);

CREATE UNIQUE INDEX key_sessions_open ON key_sessions USING btree (issuer) WHERE closed_at IS NULL;

CREATE TRIGGER key_sessions_are_never_deleted BEFORE DELETE OR TRUNCATE ON key_sessions FOR EACH STATEMENT EXECUTE FUNCTION refuse('key sessions are never deleted');

CREATE TRIGGER key_sessions_change_only_by_drawing_and_closing BEFORE UPDATE ON key_sessions FOR EACH ROW WHEN (NOT (new.number = old.number AND new.session_id = old.session_id AND new.issuer = old.issuer AND NOT new.approval_id IS DISTINCT FROM old.approval_id AND new.signatures = old.signatures AND new.opened_at = old.opened_at AND new.ends = old.ends AND new.entry_id = old.entry_id AND old.closed_at IS NULL)) EXECUTE FUNCTION refuse('a key session changes only by drawing and by closing');

CREATE TABLE orders (
    order_id text COLLATE "C" NOT NULL,
    order_hash bytea NOT NULL,
    order_json json,
    iccsn text COLLATE "C" NOT NULL,
    card_type text NOT NULL,
    sector text NOT NULL,
    recorded_at timestamp(3) with time zone NOT NULL,
    renews text COLLATE "C",
    renewal integer NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (order_id),
    CONSTRAINT orders_renews_fkey FOREIGN KEY (renews) REFERENCES orders(order_id),
    CONSTRAINT orders_card_type_check CHECK (card_type <> ''::text),
    CONSTRAINT orders_check CHECK (renews <> order_id),
    CONSTRAINT orders_check1 CHECK (renewal >= 0 AND (renewal = 0) = (renews IS NULL)),
    CONSTRAINT orders_iccsn_check CHECK (iccsn <> ''::text),
    CONSTRAINT orders_order_hash_check CHECK (octet_length(order_hash) = 32),
    CONSTRAINT orders_order_id_check CHECK (order_id <> ''::text),
    CONSTRAINT orders_sector_check CHECK (sector <> ''::text)
);

CREATE UNIQUE INDEX orders_iccsn ON orders USING btree (iccsn) WHERE renews IS NULL;

CREATE UNIQUE INDEX orders_renewal ON orders USING btree (renews, renewal) WHERE renews IS NOT NULL;

CREATE TRIGGER orders_are_never_deleted BEFORE DELETE OR TRUNCATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION refuse('orders are never deleted');

CREATE TRIGGER orders_change_only_by_erasure BEFORE UPDATE ON orders FOR EACH ROW WHEN (NOT (new.order_id = old.order_id AND new.order_hash = old.order_hash AND new.order_json IS NULL AND new.iccsn = old.iccsn AND new.card_type = old.card_type AND new.sector = old.sector AND new.recorded_at = old.recorded_at AND NOT new.renews IS DISTINCT FROM old.renews AND new.renewal = old.renewal)) EXECUTE FUNCTION refuse('an order changes only by erasure of its personal data');

CREATE TABLE published_crls (
    issuer text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    entry_id bigint NOT NULL,
    CONSTRAINT published_crls_entry_id_key UNIQUE (entry_id),
    CONSTRAINT published_crls_pkey PRIMARY KEY (issuer, number),
    CONSTRAINT published_crls_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT published_crls_issuer_number_fkey FOREIGN KEY (issuer, number) REFERENCES crls(issuer, number),
    CONSTRAINT published_crls_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT published_crls_size_check CHECK (size > 0)
);

CREATE TRIGGER published_crls_are_never_deleted BEFORE DELETE OR TRUNCATE ON published_crls FOR EACH STATEMENT EXECUTE FUNCTION refuse('that a CRL was published is never deleted');

CREATE TRIGGER published_crls_never_change BEFORE UPDATE ON published_crls FOR EACH STATEMENT EXECUTE FUNCTION refuse('a published CRL never changes');

CREATE TABLE revocations (
    issuer text COLLATE "C" NOT NULL,
    serial bytea NOT NULL,
    epoch bigint NOT NULL,
    at timestamp(3) with time zone NOT NULL,
    reason text NOT NULL,
    not_after timestamp(0) with time zone NOT NULL,
    CONSTRAINT revocations_pkey PRIMARY KEY (issuer, serial),
    CONSTRAINT revocations_epoch_fkey FOREIGN KEY (epoch) REFERENCES status_changes(epoch)
);

CREATE TRIGGER revocations_are_changes_of_the_status AFTER INSERT ON revocations REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_revocations();

CREATE TRIGGER revocations_are_never_deleted BEFORE DELETE OR TRUNCATE ON revocations FOR EACH STATEMENT EXECUTE FUNCTION refuse('a revocation is final');

CREATE TRIGGER revocations_never_change BEFORE UPDATE ON revocations FOR EACH STATEMENT EXECUTE FUNCTION refuse('a revocation is final');

CREATE TABLE status_changes (
    epoch bigint NOT NULL,
    card bigint NOT NULL,
    place integer,
    state text NOT NULL,
    requested_at timestamp(3) with time zone NOT NULL,
    at timestamp(3) with time zone NOT NULL,
    actor text NOT NULL,
    requester text,
    reason text,
    entry_id bigint NOT NULL,
    CONSTRAINT status_changes_entry_id_key UNIQUE (entry_id),
    CONSTRAINT status_changes_pkey PRIMARY KEY (epoch),
    CONSTRAINT status_changes_card_fkey FOREIGN KEY (card) REFERENCES cards(number),
    CONSTRAINT status_changes_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES entries(id),
    CONSTRAINT status_changes_actor_check CHECK (actor <> ''::text),
    CONSTRAINT status_changes_check CHECK (place IS NULL OR state = 'revoked'::text),
    CONSTRAINT status_changes_check1 CHECK ((requester IS NOT NULL) = (state = 'revoked'::text)),
    CONSTRAINT status_changes_check2 CHECK ((reason IS NOT NULL) = (state = 'revoked'::text)),
    CONSTRAINT status_changes_epoch_check CHECK (epoch > 0),
    CONSTRAINT status_changes_reason_check CHECK (reason <> ''::text),
    CONSTRAINT status_changes_requester_check CHECK (requester <> ''::text),
    CONSTRAINT status_changes_state_check CHECK (state = ANY (ARRAY['active'::text, 'revoked'::text]))
);

CREATE UNIQUE INDEX status_changes_card ON status_changes USING btree (card, state) WHERE place IS NULL;

CREATE UNIQUE INDEX status_changes_certificate ON status_changes USING btree (card, place) WHERE place IS NOT NULL;

CREATE INDEX status_changes_of_card ON status_changes USING btree (card, epoch);

CREATE TRIGGER status_changes_are_never_deleted BEFORE DELETE OR TRUNCATE ON status_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse('changes of the status are never deleted');

CREATE TRIGGER status_changes_lead_forward AFTER INSERT ON status_changes REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_status_changes();

CREATE TRIGGER status_changes_never_change BEFORE UPDATE ON status_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse('changes of the status never change');

CREATE TABLE subject_keys (
    key_identity bytea NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    slot text COLLATE "C" NOT NULL,
    CONSTRAINT subject_keys_pkey PRIMARY KEY (key_identity),
    CONSTRAINT subject_keys_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(order_id),
    CONSTRAINT subject_keys_key_identity_check CHECK (octet_length(key_identity) = 32),
    CONSTRAINT subject_keys_slot_check CHECK (slot <> ''::text)
);

CREATE TRIGGER subject_keys_are_never_deleted BEFORE DELETE OR TRUNCATE ON subject_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse('subject keys are never deleted');

CREATE TRIGGER subject_keys_never_change BEFORE UPDATE ON subject_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse('subject keys never change hands');

CREATE TABLE tiles (
    level integer NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    CONSTRAINT tiles_pkey PRIMARY KEY (level, number),
    CONSTRAINT tiles_hashes_check CHECK (octet_length(hashes) >= 32 AND octet_length(hashes) <= 8192 AND (octet_length(hashes) % 32) = 0),
    CONSTRAINT tiles_level_check CHECK (level >= 0 AND level <= 6),
    CONSTRAINT tiles_number_check CHECK (number >= 0)
);

CREATE TRIGGER tiles_are_never_deleted BEFORE DELETE OR TRUNCATE ON tiles FOR EACH STATEMENT EXECUTE FUNCTION refuse('tiles are never deleted');

CREATE TRIGGER tiles_only_grow BEFORE UPDATE ON tiles FOR EACH ROW WHEN (NOT (new.level = old.level AND new.number = old.number AND SUBSTRING(new.hashes FROM 1 FOR octet_length(old.hashes)) = old.hashes)) EXECUTE FUNCTION refuse('tiles only grow');

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE FUNCTION refuse_cards_of_other_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added c LEFT JOIN attempts a ON a.number = c.attempt AND a.order_id = c.order_id AND a.state = 'complete'
        WHERE a.number IS NULL) THEN
        RAISE EXCEPTION 'a card belongs to a complete attempt of its order' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;

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

CREATE FUNCTION refuse_drafts_of_ended_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added d JOIN attempts a ON a.number = d.attempt WHERE a.state <> 'open') THEN
        RAISE EXCEPTION 'an attempt that has ended gets no drafts' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;

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

CREATE FUNCTION refuse_unknown_issuers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (SELECT FROM issuers i WHERE i.name = a.issuer)) THEN
        RAISE EXCEPTION 'the issuer is not known' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END;
$$;
