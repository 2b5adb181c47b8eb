-- A change of the CA key of one purpose that is under way: its step, and the keys by their ids in ca_keys.
CREATE TABLE ca_rotations (
    purpose    TEXT PRIMARY KEY,
    step       TEXT NOT NULL,
    since      INTEGER NOT NULL,
    old        INTEGER NOT NULL,
    next       INTEGER NOT NULL,
    abandoned  TEXT NOT NULL DEFAULT '[]',
    scheduled  INTEGER
) STRICT, WITHOUT ROWID;
-- The CA keys that a host was seen to trust for one purpose, as ids with commas between; for the purpose host, the key of its own certificate.
CREATE TABLE node_trust (
    node_id  TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    keys     TEXT NOT NULL,
    seen     INTEGER NOT NULL,
    PRIMARY KEY (node_id, purpose)
) STRICT, WITHOUT ROWID;
