-- Expands: the last revocation list, for the daemons that follow, and which list each daemon has.
CREATE TABLE published_list (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    version   BIGINT NOT NULL,
    made      BIGINT NOT NULL,
    list      BYTEA NOT NULL,
    manifest  BYTEA NOT NULL,
    user_ca   BYTEA NOT NULL,
    host_ca   BYTEA NOT NULL
);
ALTER TABLE published_list ALTER COLUMN list SET STORAGE EXTERNAL;
ALTER TABLE writer ADD COLUMN list BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writer ADD COLUMN list_failure TEXT;
ALTER TABLE writer ADD COLUMN list_failing_since BIGINT;
ALTER TABLE followers ADD COLUMN list BIGINT NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN list_failure TEXT;
ALTER TABLE followers ADD COLUMN list_failing_since BIGINT;
