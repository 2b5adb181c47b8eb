-- A login with every certificate that belongs to it: those for single nodes that are fetched later count as the same login.
CREATE TABLE login_sessions (
    id        INTEGER PRIMARY KEY,
    user_id   TEXT NOT NULL,
    ends      INTEGER NOT NULL
) STRICT;
CREATE INDEX login_sessions_ending ON login_sessions (ends);
-- Which session a certificate belongs to, the one node it was asked for, and its name among those of its login. Null before sessions were recorded.
ALTER TABLE certificates ADD COLUMN session INTEGER;
ALTER TABLE certificates ADD COLUMN node TEXT;
ALTER TABLE certificates ADD COLUMN name TEXT;
CREATE INDEX certificates_of_session ON certificates (session, node) WHERE node IS NOT NULL;
-- Counting a user's live logins reads the index alone, and nothing that is over.
DROP INDEX certificates_by_user;
CREATE INDEX certificates_live_by_user ON certificates (user_id, valid_before, session, revoked) WHERE revoked IS NULL;
