-- What a host CA key said of the key that takes over, signed by it; both by their ids in ca_keys. It outlives the old key.
CREATE TABLE ca_statements (
    old        INTEGER NOT NULL,
    next       INTEGER NOT NULL,
    statement  TEXT NOT NULL,
    PRIMARY KEY (old, next)
) STRICT, WITHOUT ROWID;
