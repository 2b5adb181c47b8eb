-- Expands: calls that filed a request, for an hour. The same call again gets the same answer.
CREATE TABLE calls (
    uid      BIGINT NOT NULL,
    key      TEXT NOT NULL,
    digest   BYTEA NOT NULL,
    request  TEXT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (uid, key)
);
CREATE INDEX calls_by_time ON calls (at);
