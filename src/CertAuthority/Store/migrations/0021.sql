-- Who holds a role, so that the reviewers of a request are found without reading every user.
CREATE TABLE user_roles (
    role     TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (role, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_by_user ON user_roles (user_id);
INSERT OR IGNORE INTO user_roles
    SELECT one.value, users.id
    FROM users, json_each(CASE WHEN json_valid(resource) THEN resource ELSE '{}' END, '$.roles') AS one
    WHERE one.type = 'text';
