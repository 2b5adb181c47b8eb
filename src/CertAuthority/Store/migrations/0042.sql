-- Calls that filed a request, for an hour: the same call again gets the same answer.
CREATE TABLE calls (
    uid      INTEGER NOT NULL,
    key      TEXT NOT NULL,
    digest   BLOB NOT NULL,
    request  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (uid, key)
) STRICT;
CREATE INDEX calls_by_time ON calls (at);
