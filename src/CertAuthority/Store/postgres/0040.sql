-- The oldest version whose daemons can work with the tables.
ALTER TABLE schema_version ADD COLUMN oldest BIGINT NOT NULL DEFAULT 40;

-- How many batches there were, of all daemons, when the last one was, and whether the server waited for a standby then.
ALTER TABLE writer ADD COLUMN total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writer ADD COLUMN last BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writer ADD COLUMN waits BOOLEAN NOT NULL DEFAULT false;
-- The version of the schema that each daemon knows.
ALTER TABLE writer ADD COLUMN schema BIGINT NOT NULL DEFAULT 0;
ALTER TABLE followers ADD COLUMN schema BIGINT NOT NULL DEFAULT 0;

-- Whoever writes waits here for whoever writes now. It must be the first statement of its transaction. It returns the time of day.
DROP FUNCTION begin_batch();
CREATE FUNCTION begin_batch() RETURNS DOUBLE PRECISION LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1130709366, hashtext(current_schema()));
    RETURN extract(epoch FROM clock_timestamp());
END $$;

-- Counts a batch. It returns which daemon leads, how many batches there were, and when this one was.
CREATE FUNCTION count_batch() RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
    counted TEXT;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        RAISE EXCEPTION 'synchronous_commit is not on' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    UPDATE writer SET total = total + 1, last = extract(epoch FROM clock_timestamp())::bigint,
        waits = current_setting('synchronous_standby_names') <> ''
        RETURNING concat_ws(' ', holder, total, last) INTO counted;
    RETURN counted;
END $$;

DROP FUNCTION commit_batch(TEXT, BIGINT);
CREATE FUNCTION commit_batch(who TEXT, number BIGINT) RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN
    UPDATE writer SET batch = number, seen = extract(epoch FROM clock_timestamp())::bigint WHERE holder = who;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another daemon leads' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN count_batch();
END $$;

DROP FUNCTION commit_following(TEXT, BIGINT, TEXT);
CREATE FUNCTION commit_following(who TEXT, number BIGINT, keys TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN
    UPDATE followers SET batch = number, seen = extract(epoch FROM clock_timestamp())::bigint WHERE holder = who;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this daemon does not follow any more' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF keys <> ca_keys_now() THEN
        RAISE EXCEPTION 'the CA keys are not what they were' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF (SELECT timeline FROM writer) <> substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) THEN
        RAISE EXCEPTION 'the daemon that leads has not looked at this server yet' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN count_batch();
END $$;

-- How many batches there were when the server began each timeline, so that whoever knows of more can tell that some are lost.
CREATE TABLE timelines (
    system    TEXT NOT NULL,
    timeline  TEXT NOT NULL,
    total     BIGINT NOT NULL,
    PRIMARY KEY (system, timeline)
);

-- Whether only the last moments before a promotion may be missing.
ALTER TABLE backup ADD COLUMN shortened BIGINT NOT NULL DEFAULT 0;
