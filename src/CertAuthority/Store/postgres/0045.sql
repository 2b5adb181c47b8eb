-- Calls that filed a request or logged in, for an hour: the same call again gets the same answer. Of a login, they know the session and the serials.
DROP TABLE calls;
CREATE TABLE calls (
    uid      BIGINT NOT NULL,
    key      TEXT NOT NULL,
    digest   BYTEA NOT NULL,
    request  TEXT,
    serials  TEXT,
    at       BIGINT NOT NULL,
    PRIMARY KEY (uid, key)
);
CREATE INDEX calls_by_time ON calls (at);
