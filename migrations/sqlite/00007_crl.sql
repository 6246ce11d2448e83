-- +goose Up

-- CRLs, each recorded before it is signed. A number without a publication was never served.
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

-- +goose StatementBegin
CREATE TRIGGER crls_never_change BEFORE UPDATE ON crls
BEGIN
    SELECT RAISE(ABORT, 'a recorded CRL never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER crls_are_never_deleted BEFORE DELETE ON crls
BEGIN
    SELECT RAISE(ABORT, 'a recorded CRL is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER crls_are_never_replaced BEFORE INSERT ON crls
WHEN EXISTS (SELECT 1 FROM crls WHERE rowid = NEW.rowid OR issuer = NEW.issuer AND number = NEW.number OR entry_id = NEW.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'a recorded CRL never changes');
END;
-- +goose StatementEnd

CREATE TABLE published_crls (
    issuer   TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    size     INTEGER NOT NULL CHECK (size > 0), -- octets of the CRL
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32),
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id),
    PRIMARY KEY (issuer, number),
    FOREIGN KEY (issuer, number) REFERENCES crls (issuer, number)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER published_crls_never_change BEFORE UPDATE ON published_crls
BEGIN
    SELECT RAISE(ABORT, 'a published CRL never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER published_crls_are_never_deleted BEFORE DELETE ON published_crls
BEGIN
    SELECT RAISE(ABORT, 'that a CRL was published is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER published_crls_are_never_replaced BEFORE INSERT ON published_crls
WHEN EXISTS (SELECT 1 FROM published_crls WHERE rowid = NEW.rowid OR issuer = NEW.issuer AND number = NEW.number OR entry_id = NEW.entry_id)
BEGIN
    SELECT RAISE(ABORT, 'a published CRL never changes');
END;
-- +goose StatementEnd

-- The octets of the newest CRL of each issuer, and of the one before. Those of older ones are dropped: what they say, the newest says too.
CREATE TABLE crl_parts (
    issuer TEXT    NOT NULL,
    number INTEGER NOT NULL,
    part   INTEGER NOT NULL CHECK (part >= 0),
    octets BLOB    NOT NULL CHECK (length(octets) BETWEEN 1 AND 1048576),
    PRIMARY KEY (issuer, number, part),
    FOREIGN KEY (issuer, number) REFERENCES published_crls (issuer, number)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER crl_parts_never_change BEFORE UPDATE ON crl_parts
BEGIN
    SELECT RAISE(ABORT, 'a published CRL never changes');
END;
-- +goose StatementEnd
