-- The daemons that follow the one that leads, which is in the table writer. Each writes in its turn.
CREATE TABLE followers (
    holder   TEXT PRIMARY KEY,
    batch    BIGINT NOT NULL,
    machine  TEXT NOT NULL,
    realm    TEXT,
    host     TEXT NOT NULL,
    since    BIGINT NOT NULL,
    seen     BIGINT NOT NULL
);
ALTER TABLE writer ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE writer ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;

-- Whoever writes waits here for whoever writes now. It must be the first statement of its transaction.
CREATE FUNCTION begin_batch() RETURNS void LANGUAGE sql AS
    'SELECT pg_advisory_xact_lock(1130709366, hashtext(current_schema()))';

CREATE OR REPLACE FUNCTION commit_batch(who TEXT, number BIGINT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE writer SET batch = number, seen = extract(epoch FROM clock_timestamp())::bigint WHERE holder = who;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another daemon leads' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        RAISE EXCEPTION 'synchronous_commit is not on' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- What the CA keys are: a daemon that follows ends when that is not what it was.
CREATE FUNCTION ca_keys_now() RETURNS TEXT LANGUAGE sql STABLE AS
    $$SELECT coalesce((SELECT string_agg(concat_ws(' ', purpose, step, old, next), ',' ORDER BY purpose) FROM ca_rotations), '')
        || ' ' || (SELECT count(*) FROM ca_keys WHERE revoked IS NOT NULL)$$;

CREATE FUNCTION commit_following(who TEXT, number BIGINT, keys TEXT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE followers SET batch = number, seen = extract(epoch FROM clock_timestamp())::bigint WHERE holder = who;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this daemon does not follow any more' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        RAISE EXCEPTION 'synchronous_commit is not on' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF keys <> ca_keys_now() THEN
        RAISE EXCEPTION 'the CA keys are not what they were' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF (SELECT timeline FROM writer) <> substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) THEN
        RAISE EXCEPTION 'the daemon that leads has not looked at this server yet' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;
