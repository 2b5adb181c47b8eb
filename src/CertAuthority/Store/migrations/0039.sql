-- A database that is moved to a server. In the file that was left, the row says where its records are now. On the server, it says from which
-- file they were copied, until that file has the same row: before, the copy does not count.
CREATE TABLE moved (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    id           TEXT NOT NULL,
    source       TEXT NOT NULL,
    destination  TEXT NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
