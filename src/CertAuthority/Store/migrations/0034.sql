-- What lets a host join by itself: a secret, of which only the hash is here, or the fingerprint of a host key that an administrator knows.
CREATE TABLE join_tokens (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    secret     TEXT,
    host_key   TEXT,
    uses       INTEGER NOT NULL,
    ends       INTEGER NOT NULL,
    labels     TEXT NOT NULL,
    addresses  TEXT NOT NULL,
    admits     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- The last host that asked to join under each name, and what became of that.
CREATE TABLE joins (
    name     TEXT PRIMARY KEY,
    key      TEXT NOT NULL,
    address  TEXT NOT NULL,
    labels   TEXT NOT NULL,
    token    TEXT NOT NULL,
    asked    INTEGER NOT NULL,
    request  TEXT NOT NULL,
    state    TEXT NOT NULL,
    note     TEXT,
    decided  INTEGER,
    node_id  TEXT
) STRICT, WITHOUT ROWID;
