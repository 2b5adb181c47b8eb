-- What a login began: its certificates, and those for single nodes that are fetched later, count as one login together.
CREATE TABLE login_sessions (
    id        INTEGER PRIMARY KEY,
    user_id   TEXT NOT NULL,
    ends      INTEGER NOT NULL
) STRICT;
-- Which session a certificate belongs to, the one node it was asked for, and its name among those of its login. Null before sessions were recorded.
ALTER TABLE certificates ADD COLUMN session INTEGER;
ALTER TABLE certificates ADD COLUMN node TEXT;
ALTER TABLE certificates ADD COLUMN name TEXT;
CREATE INDEX certificates_of_session ON certificates (session, node);
