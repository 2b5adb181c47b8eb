-- Groups of hosts that certificates can name instead of their hosts. The token of a group is part of its row.
CREATE TABLE node_groups (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  INTEGER NOT NULL,
    resource  TEXT NOT NULL
) STRICT;
-- The nodes that each group selects, and whether the host was seen to accept the token that the group has now.
CREATE TABLE node_group_members (
    group_id   TEXT NOT NULL,
    node_id    TEXT NOT NULL,
    confirmed  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (group_id, node_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_group_members_by_node ON node_group_members (node_id, group_id, confirmed);
CREATE INDEX node_group_members_unconfirmed ON node_group_members (group_id, node_id) WHERE confirmed = 0;
