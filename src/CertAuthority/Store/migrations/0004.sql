-- Who is told of what happens: one row each for as long as the configuration names them. What went wrong outlives a restart.
CREATE TABLE receivers (
    name       TEXT PRIMARY KEY,
    given_up   INTEGER NOT NULL,
    failed_at  INTEGER,
    failure    TEXT
) STRICT, WITHOUT ROWID;

-- One event on its way to one receiver: written with what it tells of, gone when it has been told. No number comes twice.
CREATE TABLE outbox (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver  TEXT NOT NULL REFERENCES receivers (name) ON DELETE CASCADE,
    event     TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    next_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (receiver, next_at, number);

-- Whether it was told that the access is about to end.
ALTER TABLE requests ADD COLUMN end_told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX requests_ending ON requests (access_until) WHERE state = 'APPROVED' AND end_told = 0;
