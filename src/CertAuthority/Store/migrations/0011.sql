-- What the daemon has written to each host that it writes to, and how the last attempt went.
CREATE TABLE node_syncs (
    node_id      TEXT PRIMARY KEY,
    krl_version  INTEGER NOT NULL,
    synced       INTEGER,
    failure      TEXT,
    failed       INTEGER,
    told_stale   INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Certificates by which the daemon enters hosts. A row is written before the signature exists, and counts as issued from then on.
CREATE TABLE sync_certificates (
    serial        INTEGER PRIMARY KEY,
    issued        INTEGER NOT NULL,
    valid_after   INTEGER NOT NULL,
    valid_before  INTEGER NOT NULL,
    to_be_signed  BLOB NOT NULL
) STRICT;
