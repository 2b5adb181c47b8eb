-- The Merkle tree over the entries of the audit, in the order of their ids, as tiles of up to 256 hashes.
CREATE TABLE audit_tiles (
    level    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    hashes   BLOB NOT NULL,
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;
-- How far the tree goes, and the last checkpoint that was signed; one row.
CREATE TABLE audit_tree (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    origin     TEXT NOT NULL,
    size       INTEGER NOT NULL,
    last_entry INTEGER NOT NULL,
    note       TEXT,
    signature  TEXT
) STRICT;
