-- Who holds a role, so that a change of it, and a request that they may review, finds them. Triggers keep it, because rows are also mended by hand.
CREATE TABLE user_roles (
    role     TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (role, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_by_user ON user_roles (user_id);
CREATE TRIGGER roles_of_new_user AFTER INSERT ON users BEGIN
    INSERT OR IGNORE INTO user_roles
        SELECT value, new.id FROM json_each(CASE WHEN json_valid(new.resource) THEN new.resource ELSE '{}' END, '$.roles') WHERE type = 'text';
END;
CREATE TRIGGER roles_of_changed_user AFTER UPDATE ON users BEGIN
    DELETE FROM user_roles WHERE user_id = new.id;
    INSERT OR IGNORE INTO user_roles
        SELECT value, new.id FROM json_each(CASE WHEN json_valid(new.resource) THEN new.resource ELSE '{}' END, '$.roles') WHERE type = 'text';
END;
INSERT OR IGNORE INTO user_roles
    SELECT value, users.id FROM users, json_each(CASE WHEN json_valid(resource) THEN resource ELSE '{}' END, '$.roles') WHERE type = 'text';
-- The requests of a user that are in use, without what is over.
CREATE INDEX requests_in_use_by_user ON requests (state, user_id, access_until) WHERE state = 'APPROVED';
-- Changes of the policy whose withdrawal is not finished; a daemon that stopped in between goes on with it.
CREATE TABLE owed_withdrawals (
    id     TEXT PRIMARY KEY,
    since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- The latest instant at which a change of the policy was reviewed: a clock that is set back behind it makes certificates live again.
ALTER TABLE policy ADD COLUMN reviewed INTEGER NOT NULL DEFAULT 0;
