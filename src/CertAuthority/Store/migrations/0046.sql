-- The last revocation list, for the daemons that follow. Only a database server has them.
CREATE TABLE published_list (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    version   INTEGER NOT NULL,
    made      INTEGER NOT NULL,
    list      BLOB NOT NULL,
    manifest  BLOB NOT NULL,
    user_ca   BLOB NOT NULL,
    host_ca   BLOB NOT NULL
) STRICT;
