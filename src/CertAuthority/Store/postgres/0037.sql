-- The tables that the migrations of SQLite up to 0037 lead to. Each later migration has a twin here, with the same number.
-- Times are whole Unix seconds, lengths of time whole seconds. Lists are JSON.

CREATE TABLE schema_version (
    version  BIGINT NOT NULL
);
INSERT INTO schema_version VALUES (0);

-- Which daemon may write, its last batch, and the server on which it wrote. Each batch writes its number with it.
CREATE TABLE writer (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    holder    TEXT NOT NULL,
    batch     BIGINT NOT NULL,
    system    TEXT NOT NULL,
    timeline  TEXT NOT NULL,
    machine   TEXT NOT NULL,
    realm     TEXT
);
CREATE FUNCTION commit_batch(who TEXT, number BIGINT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE writer SET batch = number WHERE holder = who;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another daemon works on this database' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        RAISE EXCEPTION 'synchronous_commit is not on' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- The functions of SQLite that statements use, so that there is one text of each.
CREATE FUNCTION json_valid(content TEXT) RETURNS BOOLEAN LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    PERFORM content::jsonb;
    RETURN true;
EXCEPTION WHEN data_exception THEN
    RETURN false;
END $$;
CREATE FUNCTION json_each(list TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE AS
    'SELECT jsonb_array_elements_text(list::jsonb)';
CREATE FUNCTION json_extract(object TEXT, path TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS
    'SELECT object::jsonb ->> substr(path, 3)';
CREATE FUNCTION json_extract(object BYTEA, path TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS
    $$SELECT convert_from(object, 'UTF8')::jsonb ->> substr(path, 3)$$;
CREATE FUNCTION instr(whole TEXT, part TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE AS
    'SELECT strpos(whole, part)';

CREATE TABLE counters (
    name   TEXT PRIMARY KEY,
    value  BIGINT NOT NULL
);
CREATE TABLE policy (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    generation  TEXT NOT NULL,
    reviewed    BIGINT NOT NULL DEFAULT 0,
    accounts    BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE roles (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  BIGINT NOT NULL,
    resource  TEXT NOT NULL
);
CREATE TABLE users (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  BIGINT NOT NULL,
    resource  TEXT NOT NULL
);
CREATE TABLE user_accounts (
    entry    TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (entry, user_id)
);
CREATE TABLE nodes (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  BIGINT NOT NULL,
    resource  TEXT NOT NULL
);
CREATE TABLE requests (
    id                   TEXT PRIMARY KEY,
    revision             BIGINT NOT NULL,
    user_id              TEXT NOT NULL,
    user_name            TEXT NOT NULL,
    creator_uid          BIGINT NOT NULL,
    creator_login_uid    BIGINT,
    roles                TEXT NOT NULL,
    granted_roles        TEXT NOT NULL,
    state                TEXT NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'DENIED', 'CANCELLED')),
    created              BIGINT NOT NULL,
    pending_until        BIGINT NOT NULL,
    access_until         BIGINT NOT NULL,
    access_lasts         BIGINT NOT NULL,
    access_limited_by    TEXT NOT NULL,
    clock                TEXT NOT NULL CHECK (clock IN ('creation', 'approval')),
    session_ttl          BIGINT,
    assume_from          BIGINT,
    shortened            TEXT NOT NULL,
    reason               TEXT NOT NULL,
    suggested_reviewers  TEXT NOT NULL,
    resolved_by          TEXT,
    resolved_at          BIGINT,
    resolve_reason       TEXT,
    end_told             BIGINT NOT NULL DEFAULT 0,
    thresholds           TEXT NOT NULL DEFAULT '[]',
    annotations          TEXT NOT NULL DEFAULT '{}',
    requester_uids       TEXT NOT NULL DEFAULT '[]',
    resources            TEXT NOT NULL DEFAULT '[]',
    overridden           TEXT NOT NULL DEFAULT '[]',
    requester_users      TEXT NOT NULL DEFAULT '[]',
    mailed               BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE certificates (
    serial          BIGINT PRIMARY KEY,
    user_id         TEXT NOT NULL,
    user_name       TEXT NOT NULL,
    caller_uid      BIGINT NOT NULL,
    caller_account  TEXT,
    key_id          TEXT NOT NULL,
    roles           TEXT NOT NULL,
    requests        TEXT NOT NULL,
    principals      TEXT NOT NULL,
    issued          BIGINT NOT NULL,
    valid_after     BIGINT NOT NULL,
    valid_before    BIGINT NOT NULL,
    limited_by      TEXT NOT NULL,
    permissions     TEXT NOT NULL,
    to_be_signed    BYTEA NOT NULL,
    revoked         BIGINT,
    session         BIGINT,
    node            TEXT,
    name            TEXT,
    ca              BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE certificate_requests (
    request_id  TEXT NOT NULL,
    serial      BIGINT NOT NULL REFERENCES certificates (serial),
    PRIMARY KEY (request_id, serial)
);
CREATE TABLE audit (
    id       BIGINT PRIMARY KEY,
    time     BIGINT NOT NULL,
    event    TEXT NOT NULL,
    "user"   TEXT,
    request  TEXT,
    entry    BYTEA NOT NULL
);
CREATE TABLE backup (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    taken  BIGINT NOT NULL
);
CREATE TABLE receivers (
    name              TEXT PRIMARY KEY,
    given_up          BIGINT NOT NULL,
    failed_at         BIGINT,
    failure           TEXT,
    events            TEXT NOT NULL DEFAULT '[]',
    roles             TEXT NOT NULL DEFAULT '[]',
    personal          BIGINT NOT NULL DEFAULT 0,
    address_template  TEXT
);
CREATE TABLE outbox (
    number     BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    receiver   TEXT NOT NULL REFERENCES receivers (name) ON DELETE CASCADE,
    event      TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    recipient  TEXT,
    about      TEXT
);
CREATE TABLE reviews (
    request_id    TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    number        BIGINT NOT NULL,
    author_id     TEXT NOT NULL,
    author_name   TEXT NOT NULL,
    author_uids   TEXT NOT NULL,
    decision      TEXT NOT NULL CHECK (decision IN ('APPROVED', 'DENIED')),
    roles         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    at            BIGINT NOT NULL,
    assume_from   BIGINT,
    author_users  TEXT NOT NULL DEFAULT '[]',
    max_duration  BIGINT,
    PRIMARY KEY (request_id, number),
    UNIQUE (author_id, request_id)
);
CREATE TABLE locks (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  BIGINT NOT NULL,
    resource  TEXT NOT NULL
);
CREATE TABLE host_certificates (
    serial          BIGINT PRIMARY KEY,
    node_id         TEXT NOT NULL,
    node_name       TEXT NOT NULL,
    caller_uid      BIGINT NOT NULL,
    caller_account  TEXT,
    principals      TEXT NOT NULL,
    issued          BIGINT NOT NULL,
    valid_after     BIGINT NOT NULL,
    valid_before    BIGINT NOT NULL,
    to_be_signed    BYTEA NOT NULL,
    certificate     BYTEA,
    ca              BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE node_syncs (
    node_id         TEXT PRIMARY KEY,
    krl_version     BIGINT NOT NULL,
    synced          BIGINT,
    failure         TEXT,
    failed          BIGINT,
    told_stale      BIGINT NOT NULL DEFAULT 0,
    trouble         TEXT,
    told_contested  BIGINT NOT NULL DEFAULT 0,
    exempt          BIGINT,
    has_manifest    BIGINT NOT NULL DEFAULT 0,
    witnessed       BIGINT,
    altered         TEXT,
    altered_at      BIGINT
);
CREATE TABLE sync_certificates (
    serial        BIGINT PRIMARY KEY,
    issued        BIGINT NOT NULL,
    valid_after   BIGINT NOT NULL,
    valid_before  BIGINT NOT NULL,
    to_be_signed  BYTEA NOT NULL,
    ca            BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE installation (
    id  TEXT NOT NULL
);
CREATE TABLE runs (
    number        BIGINT PRIMARY KEY,
    id            TEXT NOT NULL,
    last_version  BIGINT,
    started       BIGINT,
    stopped       BIGINT,
    settings      TEXT
);
CREATE TABLE login_sessions (
    id       BIGINT PRIMARY KEY,
    user_id  TEXT NOT NULL,
    ends     BIGINT NOT NULL
);
CREATE TABLE ca_keys (
    id       BIGINT PRIMARY KEY,
    key      BYTEA NOT NULL UNIQUE,
    since    BIGINT NOT NULL,
    revoked  BIGINT,
    purpose  TEXT NOT NULL DEFAULT 'user'
);
CREATE TABLE lost_serials (
    ca     BIGINT NOT NULL,
    first  BIGINT NOT NULL CHECK (first > 0),
    last   BIGINT NOT NULL CHECK (last >= first),
    until  BIGINT NOT NULL,
    PRIMARY KEY (ca, first, last)
);
CREATE TABLE clock (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    boot        TEXT NOT NULL,
    since_boot  BIGINT NOT NULL,
    time        BIGINT NOT NULL
);
CREATE TABLE audit_requests (
    request  TEXT NOT NULL,
    id       BIGINT NOT NULL,
    PRIMARY KEY (request, id)
);
CREATE TABLE disk (
    told_low  BIGINT NOT NULL
);
CREATE TABLE request_roles (
    role     TEXT NOT NULL,
    created  BIGINT NOT NULL,
    id       TEXT NOT NULL,
    PRIMARY KEY (role, created, id)
);
CREATE TABLE user_roles (
    role     TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (role, user_id)
);
CREATE TABLE owed_withdrawals (
    id     TEXT PRIMARY KEY,
    since  BIGINT NOT NULL
);
CREATE TABLE chat_messages (
    receiver  TEXT NOT NULL REFERENCES receivers (name) ON DELETE CASCADE,
    request   TEXT NOT NULL,
    channel   TEXT NOT NULL,
    message   TEXT NOT NULL,
    revision  BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (receiver, request)
);
CREATE TABLE request_nodes (
    node     TEXT NOT NULL,
    created  BIGINT NOT NULL,
    id       TEXT NOT NULL,
    PRIMARY KEY (node, created, id)
);
CREATE TABLE audit_tiles (
    level   BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    hashes  BYTEA NOT NULL,
    PRIMARY KEY (level, number)
);
CREATE TABLE audit_tree (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    origin      TEXT NOT NULL,
    size        BIGINT NOT NULL,
    last_entry  BIGINT NOT NULL,
    note        TEXT,
    signature   TEXT
);
CREATE TABLE audit_sinks (
    name      TEXT NOT NULL PRIMARY KEY,
    position  BIGINT NOT NULL,
    file      TEXT
);
CREATE TABLE access_reviews (
    number      BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    started     BIGINT NOT NULL,
    started_by  TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    position    BIGINT NOT NULL,
    signed      BIGINT,
    signed_by   TEXT,
    signature   TEXT
);
CREATE TABLE audit_archive (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    through  BIGINT NOT NULL,
    removed  BIGINT NOT NULL,
    leaves   BIGINT NOT NULL,
    before   BIGINT
);
CREATE TABLE ca_rotations (
    purpose    TEXT PRIMARY KEY,
    step       TEXT NOT NULL,
    since      BIGINT NOT NULL,
    old        BIGINT NOT NULL,
    next       BIGINT NOT NULL,
    abandoned  TEXT NOT NULL DEFAULT '[]',
    scheduled  BIGINT
);
CREATE TABLE node_trust (
    node_id  TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    keys     TEXT NOT NULL,
    seen     BIGINT NOT NULL,
    PRIMARY KEY (node_id, purpose)
);
CREATE TABLE node_reports (
    node_id       TEXT PRIMARY KEY,
    time          BIGINT NOT NULL,
    krl_version   BIGINT NOT NULL,
    witnessed     BIGINT,
    groups_fault  TEXT,
    received      BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE node_groups (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  BIGINT NOT NULL,
    resource  TEXT NOT NULL
);
CREATE TABLE node_group_members (
    group_id   TEXT NOT NULL,
    node_id    TEXT NOT NULL,
    confirmed  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (group_id, node_id)
);
CREATE TABLE join_tokens (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    secret     TEXT,
    host_key   TEXT,
    uses       BIGINT NOT NULL,
    ends       BIGINT NOT NULL,
    labels     TEXT NOT NULL,
    addresses  TEXT NOT NULL,
    admits     BIGINT NOT NULL
);
CREATE TABLE joins (
    name     TEXT PRIMARY KEY,
    key      TEXT NOT NULL,
    address  TEXT NOT NULL,
    labels   TEXT NOT NULL,
    token    TEXT NOT NULL,
    asked    BIGINT NOT NULL,
    request  TEXT NOT NULL,
    state    TEXT NOT NULL,
    note     TEXT,
    decided  BIGINT,
    node_id  TEXT,
    over     BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE ca_statements (
    old        BIGINT NOT NULL,
    next       BIGINT NOT NULL,
    statement  TEXT NOT NULL,
    PRIMARY KEY (old, next)
);
CREATE INDEX certificates_live ON certificates (valid_before) WHERE revoked IS NULL;
CREATE INDEX audit_by_user ON audit ("user", id) WHERE "user" IS NOT NULL;
CREATE INDEX audit_by_request ON audit (request, id) WHERE request IS NOT NULL;
CREATE INDEX outbox_due ON outbox (receiver, next_at, number);
CREATE INDEX requests_newest ON requests (created DESC, id DESC);
CREATE INDEX requests_by_user ON requests (user_id, created DESC, id DESC);
CREATE INDEX requests_by_user_name ON requests (user_name, created DESC, id DESC);
CREATE INDEX requests_by_state ON requests (state, created DESC, id DESC, pending_until, access_until);
CREATE INDEX host_certificates_by_node ON host_certificates (node_id, serial DESC);
CREATE INDEX login_sessions_ending ON login_sessions (ends);
CREATE INDEX certificates_of_session ON certificates (session, node) WHERE node IS NOT NULL;
CREATE INDEX certificates_live_by_user ON certificates (user_id, valid_before, session, revoked) WHERE revoked IS NULL;
CREATE INDEX certificates_revoked ON certificates (valid_before, ca) WHERE revoked IS NOT NULL;
CREATE INDEX outbox_about ON outbox (receiver, about, number);
CREATE INDEX requests_pending ON requests (state, user_id, pending_until) WHERE state = 'PENDING';
CREATE INDEX requests_awaiting ON requests (state, pending_until) WHERE state = 'PENDING';
CREATE INDEX requests_in_use ON requests (state, access_until) WHERE state = 'APPROVED';
CREATE INDEX certificates_by_user_name ON certificates (user_name, serial);
CREATE INDEX certificates_ever_revoked ON certificates (serial) WHERE revoked IS NOT NULL;
CREATE INDEX audit_by_time ON audit (time);
CREATE INDEX user_roles_by_user ON user_roles (user_id);
CREATE INDEX requests_in_use_by_user ON requests (state, user_id, access_until) WHERE state = 'APPROVED';
CREATE INDEX user_accounts_by_user ON user_accounts (user_id);
CREATE INDEX chat_messages_by_time ON chat_messages (at);
CREATE INDEX node_group_members_by_node ON node_group_members (node_id, group_id, confirmed);
CREATE INDEX joins_open ON joins (state, name) WHERE over = 0;
CREATE INDEX joins_over ON joins (decided) WHERE over = 1;
CREATE INDEX join_tokens_by_end ON join_tokens (ends);
CREATE INDEX node_group_members_unconfirmed ON node_group_members (group_id, node_id) WHERE confirmed = 0;

-- Numbers without a gap: a sequence would leave one where a change is undone. There is one writer.
CREATE FUNCTION next_audit() RETURNS BIGINT LANGUAGE sql VOLATILE AS 'SELECT coalesce(max(id), 0) + 1 FROM audit';
ALTER TABLE audit ALTER COLUMN id SET DEFAULT next_audit();
CREATE FUNCTION next_run() RETURNS BIGINT LANGUAGE sql VOLATILE AS 'SELECT coalesce(max(number), 0) + 1 FROM runs';
ALTER TABLE runs ALTER COLUMN number SET DEFAULT next_run();
CREATE FUNCTION next_ca_key() RETURNS BIGINT LANGUAGE sql VOLATILE AS 'SELECT coalesce(max(id), 0) + 1 FROM ca_keys';
ALTER TABLE ca_keys ALTER COLUMN id SET DEFAULT next_ca_key();

CREATE FUNCTION note_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM user_roles WHERE user_id = NEW.id;
    IF json_valid(NEW.resource) AND jsonb_typeof(NEW.resource::jsonb -> 'roles') = 'array' THEN
        INSERT INTO user_roles (role, user_id)
            SELECT one #>> '{}', NEW.id FROM jsonb_array_elements(NEW.resource::jsonb -> 'roles') AS one WHERE jsonb_typeof(one) = 'string'
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER roles_of_user AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note_roles();

CREATE FUNCTION count_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE policy SET accounts = accounts + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_changed AFTER INSERT OR DELETE ON user_accounts FOR EACH ROW EXECUTE FUNCTION count_accounts();

CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'an entry of the audit keeps its number' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM audit_archive WHERE OLD.id <= through) THEN
        RAISE EXCEPTION 'an entry of the audit cannot be removed before it is archived'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER audit_numbered BEFORE UPDATE OF id ON audit FOR EACH ROW EXECUTE FUNCTION keep_audit();
CREATE TRIGGER audit_kept BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION keep_audit();

CREATE FUNCTION keep_audit_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'how much of the audit is archived cannot be forgotten' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.through < OLD.through OR NEW.removed < OLD.removed OR NEW.removed > NEW.through OR (NEW.through > OLD.through
        AND NOT EXISTS (SELECT 1 FROM audit_tree WHERE note IS NOT NULL AND NEW.through <= last_entry)) THEN
        RAISE EXCEPTION 'only entries in a signed checkpoint can be archived' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_archive_kept BEFORE DELETE ON audit_archive FOR EACH ROW EXECUTE FUNCTION keep_audit_archive();
CREATE TRIGGER audit_archive_grows BEFORE UPDATE ON audit_archive FOR EACH ROW EXECUTE FUNCTION keep_audit_archive();

INSERT INTO policy (one, generation) VALUES (1, 'empty');
INSERT INTO disk VALUES (0);
INSERT INTO audit_archive (one, through, removed, leaves) VALUES (1, 0, 0, 0);
INSERT INTO installation VALUES (left(gen_random_uuid()::text, 8) || right(gen_random_uuid()::text, 8));
