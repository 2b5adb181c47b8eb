-- Calls that filed a request or logged in, for an hour: the same call again gets the same answer. Of a login, they know the session and the serials.
DROP TABLE calls;
CREATE TABLE calls (
    uid      INTEGER NOT NULL,
    key      TEXT NOT NULL,
    digest   BLOB NOT NULL,
    request  TEXT,
    serials  TEXT,
    at       INTEGER NOT NULL,
    PRIMARY KEY (uid, key)
) STRICT;
CREATE INDEX calls_by_time ON calls (at);
