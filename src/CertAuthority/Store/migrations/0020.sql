-- What is pending or in use is read from an index of its own, whose first columns are the conditions, so that nothing that is over is read.
DROP INDEX requests_pending;
DROP INDEX requests_awaiting;
DROP INDEX requests_ending;
CREATE INDEX requests_pending ON requests (state, user_id, pending_until) WHERE state = 'PENDING';
CREATE INDEX requests_awaiting ON requests (state, pending_until) WHERE state = 'PENDING';
CREATE INDEX requests_in_use ON requests (state, access_until) WHERE state = 'APPROVED';
-- Which requests ask for a role or were granted it, newest first. No foreign key: with one, removing a request would read the whole table.
CREATE TABLE request_roles (
    role     TEXT NOT NULL,
    created  INTEGER NOT NULL,
    id       TEXT NOT NULL,
    PRIMARY KEY (role, created DESC, id DESC)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO request_roles
    SELECT json_extract(roles, one.fullkey || '.name'), created, requests.id
    FROM requests, json_each(CASE WHEN json_valid(roles) THEN roles ELSE '[]' END) AS one;
INSERT OR IGNORE INTO request_roles
    SELECT json_extract(granted_roles, one.fullkey || '.name'), created, requests.id
    FROM requests, json_each(CASE WHEN json_valid(granted_roles) THEN granted_roles ELSE '[]' END) AS one;
-- Lists of certificates are read from an index in their order, newest first.
CREATE INDEX certificates_by_user_name ON certificates (user_name, serial);
CREATE INDEX certificates_ever_revoked ON certificates (serial) WHERE revoked IS NOT NULL;
-- Finds the entries of a time: their numbers usually follow it, but not when the clock was set back.
CREATE INDEX audit_by_time ON audit (time);
