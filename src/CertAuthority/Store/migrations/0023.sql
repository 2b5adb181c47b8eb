-- How many people a request was mailed to when it was filed, so that the requests of one user cannot fill mailboxes.
ALTER TABLE requests ADD COLUMN mailed INTEGER NOT NULL DEFAULT 0;
-- The addresses of users without one, for a receiver that delivers to people: {user}@example.com.
ALTER TABLE receivers ADD COLUMN address_template TEXT;
-- The message of a chat that shows a request, so that later notices about the request replace it. Kept for some weeks.
CREATE TABLE chat_messages (
    receiver  TEXT NOT NULL REFERENCES receivers (name) ON DELETE CASCADE,
    request   TEXT NOT NULL,
    channel   TEXT NOT NULL,
    message   TEXT NOT NULL,
    revision  INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (receiver, request)
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_messages_by_time ON chat_messages (at);
