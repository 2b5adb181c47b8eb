-- What reviews are counted by, as it stood when the request was filed. Requests from before have none: reviews do not decide them.
ALTER TABLE requests ADD COLUMN thresholds TEXT NOT NULL DEFAULT '[]';
ALTER TABLE requests ADD COLUMN annotations TEXT NOT NULL DEFAULT '{}';
-- The uids that were the requester, beside the creator's own.
ALTER TABLE requests ADD COLUMN requester_uids TEXT NOT NULL DEFAULT '[]';
-- What waits for reviewers, whoever asked.
CREATE INDEX requests_awaiting ON requests (pending_until) WHERE state = 'PENDING';

-- Votes as they were cast; whether one counts is decided each time.
CREATE TABLE reviews (
    request_id   TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    author_id    TEXT NOT NULL,
    author_name  TEXT NOT NULL,
    author_uids  TEXT NOT NULL,
    decision     TEXT NOT NULL CHECK (decision IN ('APPROVED', 'DENIED')),
    roles        TEXT NOT NULL,
    reason       TEXT NOT NULL,
    at           INTEGER NOT NULL,
    assume_from  INTEGER,
    PRIMARY KEY (request_id, number),
    UNIQUE (author_id, request_id)
) STRICT, WITHOUT ROWID;
