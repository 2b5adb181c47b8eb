-- Which installation this is, and its runs (from one start of the daemon to the next), as revocation lists name them. Backups keep both.
CREATE TABLE installation (
    id  TEXT NOT NULL
) STRICT;
INSERT INTO installation VALUES (lower(hex(randomblob(8))));
CREATE TABLE runs (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL,
    last_version  INTEGER
) STRICT;
-- What hinders writing to a host beside words, whether others were told, and whether its sshd exempts anybody from its penalties (null: not known, or it has none).
ALTER TABLE node_syncs ADD COLUMN trouble TEXT;
ALTER TABLE node_syncs ADD COLUMN told_contested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_syncs ADD COLUMN exempt INTEGER;
