-- Times are whole Unix seconds, lengths of time whole seconds. Lists are JSON. Names stand beside ids where a person reads the table; ids decide.

CREATE TABLE counters (
    name   TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A new generation, unique for ever, with each change of roles or nodes: what was read under one can be kept in memory.
CREATE TABLE policy (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    generation  TEXT NOT NULL
) STRICT;
INSERT INTO policy VALUES (1, 'empty');

CREATE TABLE roles (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  INTEGER NOT NULL,
    resource  TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  INTEGER NOT NULL,
    resource  TEXT NOT NULL
) STRICT;

-- Who may act as a user: 'uid:5001' or 'account:alice'.
CREATE TABLE user_accounts (
    entry    TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (entry, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE nodes (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  INTEGER NOT NULL,
    resource  TEXT NOT NULL
) STRICT;

CREATE TABLE requests (
    id                   TEXT PRIMARY KEY,
    revision             INTEGER NOT NULL,
    user_id              TEXT NOT NULL,
    user_name            TEXT NOT NULL,
    creator_uid          INTEGER NOT NULL,
    creator_login_uid    INTEGER,
    roles                TEXT NOT NULL,
    granted_roles        TEXT NOT NULL,
    state                TEXT NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'DENIED', 'CANCELLED')),
    created              INTEGER NOT NULL,
    pending_until        INTEGER NOT NULL,
    access_until         INTEGER NOT NULL,
    access_lasts         INTEGER NOT NULL,
    access_limited_by    TEXT NOT NULL,
    clock                TEXT NOT NULL CHECK (clock IN ('creation', 'approval')),
    session_ttl          INTEGER,
    assume_from          INTEGER,
    shortened            TEXT NOT NULL,
    reason               TEXT NOT NULL,
    suggested_reviewers  TEXT NOT NULL,
    resolved_by          TEXT,
    resolved_at          INTEGER,
    resolve_reason       TEXT
) STRICT;
CREATE INDEX requests_by_creation ON requests (created);
CREATE INDEX requests_by_user ON requests (user_id, created);
CREATE INDEX requests_pending ON requests (user_id, pending_until) WHERE state = 'PENDING';

-- A row is written before the signature exists, and counts as issued from then on.
CREATE TABLE certificates (
    serial         INTEGER PRIMARY KEY,
    user_id        TEXT NOT NULL,
    user_name      TEXT NOT NULL,
    caller_uid     INTEGER NOT NULL,
    caller_account TEXT,
    key_id         TEXT NOT NULL,
    roles          TEXT NOT NULL,
    requests       TEXT NOT NULL,
    principals     TEXT NOT NULL,
    issued         INTEGER NOT NULL,
    valid_after    INTEGER NOT NULL,
    valid_before   INTEGER NOT NULL,
    limited_by     TEXT NOT NULL,
    permissions    TEXT NOT NULL,
    to_be_signed   BLOB NOT NULL,
    revoked        INTEGER
) STRICT;
CREATE INDEX certificates_by_user ON certificates (user_id, valid_before);
CREATE INDEX certificates_live ON certificates (valid_before) WHERE revoked IS NULL;
CREATE INDEX certificates_revoked ON certificates (valid_before) WHERE revoked IS NOT NULL;

CREATE TABLE certificate_requests (
    request_id  TEXT NOT NULL,
    serial      INTEGER NOT NULL REFERENCES certificates (serial),
    PRIMARY KEY (request_id, serial)
) STRICT, WITHOUT ROWID;

-- The entry's exact bytes; the columns beside it are for finding it.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    time     INTEGER NOT NULL,
    event    TEXT NOT NULL,
    user     TEXT,
    request  TEXT,
    entry    BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_user ON audit (user, id) WHERE user IS NOT NULL;
CREATE INDEX audit_by_request ON audit (request, id) WHERE request IS NOT NULL;
