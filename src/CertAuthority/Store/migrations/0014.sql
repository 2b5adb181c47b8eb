-- The keys of user CAs that signed here. One that is revoked is on the revocation list itself, for good, with all that it ever signed.
CREATE TABLE user_ca_keys (
    id       INTEGER PRIMARY KEY,
    key      BLOB NOT NULL UNIQUE,
    since    INTEGER NOT NULL,
    revoked  INTEGER
) STRICT;
INSERT INTO user_ca_keys (key, since) SELECT signature_key(to_be_signed), min(issued) FROM certificates WHERE signature_key(to_be_signed) IS NOT NULL GROUP BY 1 ORDER BY 2;
-- Which of them signed it; 0 where the recorded bytes do not say, and such a serial is taken for one of each key.
ALTER TABLE certificates ADD COLUMN ca INTEGER NOT NULL DEFAULT 0;
UPDATE certificates SET ca = coalesce((SELECT id FROM user_ca_keys WHERE key = signature_key(to_be_signed)), 0);
DROP INDEX certificates_revoked;
CREATE INDEX certificates_revoked ON certificates (valid_before, ca) WHERE revoked IS NOT NULL;
-- Whose serials are lost; 0 for those of each key.
ALTER TABLE lost_serials RENAME TO lost_before;
CREATE TABLE lost_serials (
    ca     INTEGER NOT NULL,
    first  INTEGER NOT NULL CHECK (first > 0),
    last   INTEGER NOT NULL CHECK (last >= first),
    until  INTEGER NOT NULL,
    PRIMARY KEY (ca, first, last)
) STRICT, WITHOUT ROWID;
INSERT INTO lost_serials SELECT 0, first, last, until FROM lost_before;
DROP TABLE lost_before;
