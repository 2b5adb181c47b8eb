-- How long the access lasts at most from its start, in seconds, if the reviewer set a limit.
ALTER TABLE reviews ADD COLUMN max_duration INTEGER;
-- Which requests name a node, newest first; request_roles has the same for roles.
CREATE TABLE request_nodes (
    node     TEXT NOT NULL,
    created  INTEGER NOT NULL,
    id       TEXT NOT NULL,
    PRIMARY KEY (node, created DESC, id DESC)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO request_nodes
    SELECT one.value ->> 'name', created, requests.id
    FROM requests, json_each(CASE WHEN json_valid(resources) THEN resources ELSE '[]' END) AS one
    WHERE resources <> '[]' AND one.value ->> 'name' IS NOT NULL;
