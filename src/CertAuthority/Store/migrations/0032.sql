-- The last report of each host that fetches its files: the list and the size of the audit that are in place there.
CREATE TABLE node_reports (
    node_id      TEXT PRIMARY KEY,
    time         INTEGER NOT NULL,
    krl_version  INTEGER NOT NULL,
    witnessed    INTEGER
) STRICT, WITHOUT ROWID;
