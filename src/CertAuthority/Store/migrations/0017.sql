-- When a run of the daemon began to serve and when it stopped in order, and under which settings, so that the next one can say what is different. Null where that was not recorded.
ALTER TABLE runs ADD COLUMN started INTEGER;
ALTER TABLE runs ADD COLUMN stopped INTEGER;
ALTER TABLE runs ADD COLUMN settings TEXT;
-- What an administrator approved a request in spite of: thresholds that the votes had not reached, a role that changed since.
ALTER TABLE requests ADD COLUMN overridden TEXT NOT NULL DEFAULT '[]';
-- Which entries are about a request without being its own: certificates under it. Looked up by an index, however long the audit is.
CREATE TABLE audit_requests (
    request  TEXT NOT NULL,
    id       INTEGER NOT NULL,
    PRIMARY KEY (request, id)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO audit_requests
    SELECT one.value, audit.id FROM audit, json_each(CASE WHEN json_valid(CAST(entry AS TEXT)) THEN CAST(entry AS TEXT) ELSE '{}' END, '$.requests') AS one WHERE audit.request IS NULL;
-- Which users were one person with whoever filed and reviewed: their accounts can be others later. Empty where that was not recorded.
ALTER TABLE requests ADD COLUMN requester_users TEXT NOT NULL DEFAULT '[]';
ALTER TABLE reviews ADD COLUMN author_users TEXT NOT NULL DEFAULT '[]';
-- Whether receivers were told that the disk fills up, and not yet that it has room again.
CREATE TABLE disk (
    told_low  INTEGER NOT NULL
) STRICT;
INSERT INTO disk VALUES (0);
