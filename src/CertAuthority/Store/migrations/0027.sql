-- How far each sink of the audit is. The file is known by its device and inode, so that a line in it is not written a second time.
CREATE TABLE audit_sinks (
    name      TEXT NOT NULL PRIMARY KEY,
    position  INTEGER NOT NULL,
    file      TEXT
) STRICT, WITHOUT ROWID;
