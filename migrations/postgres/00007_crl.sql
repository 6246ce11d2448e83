-- +goose Up

-- CRLs, each recorded before it is signed. A number without a publication was never served.
CREATE TABLE crls (
    issuer      text           COLLATE "C" NOT NULL REFERENCES issuers (name),
    number      bigint         NOT NULL CHECK (number > 0), -- cRLNumber
    epoch       bigint         NOT NULL CHECK (epoch >= 0), -- newest change of the status that is in it
    this_update timestamptz(0) NOT NULL,
    next_update timestamptz(0) NOT NULL CHECK (next_update > this_update),
    entries     integer        NOT NULL CHECK (entries >= 0),
    body_sha256 bytea          NOT NULL CHECK (octet_length(body_sha256) = 32),
    entry_id    bigint         NOT NULL UNIQUE REFERENCES entries (id),
    PRIMARY KEY (issuer, number)
);

CREATE TRIGGER crls_never_change BEFORE UPDATE ON crls EXECUTE FUNCTION refuse('a recorded CRL never changes');
CREATE TRIGGER crls_are_never_deleted BEFORE DELETE OR TRUNCATE ON crls EXECUTE FUNCTION refuse('a recorded CRL is never deleted');

CREATE TABLE published_crls (
    issuer   text   COLLATE "C" NOT NULL,
    number   bigint NOT NULL,
    size     bigint NOT NULL CHECK (size > 0), -- octets of the CRL
    sha256   bytea  NOT NULL CHECK (octet_length(sha256) = 32),
    entry_id bigint NOT NULL UNIQUE REFERENCES entries (id),
    PRIMARY KEY (issuer, number),
    FOREIGN KEY (issuer, number) REFERENCES crls (issuer, number)
);

CREATE TRIGGER published_crls_never_change BEFORE UPDATE ON published_crls EXECUTE FUNCTION refuse('a published CRL never changes');
CREATE TRIGGER published_crls_are_never_deleted BEFORE DELETE OR TRUNCATE ON published_crls
EXECUTE FUNCTION refuse('that a CRL was published is never deleted');

-- The octets of the newest CRL of each issuer, and of the one before. Those of older ones are dropped: what they say, the newest says too.
CREATE TABLE crl_parts (
    issuer text    COLLATE "C" NOT NULL,
    number bigint  NOT NULL,
    part   integer NOT NULL CHECK (part >= 0),
    octets bytea   NOT NULL CHECK (octet_length(octets) BETWEEN 1 AND 1048576),
    PRIMARY KEY (issuer, number, part),
    FOREIGN KEY (issuer, number) REFERENCES published_crls (issuer, number)
);

ALTER TABLE crl_parts ALTER COLUMN octets SET STORAGE EXTERNAL; -- serial numbers do not compress

CREATE TRIGGER crl_parts_never_change BEFORE UPDATE ON crl_parts EXECUTE FUNCTION refuse('a published CRL never changes');
