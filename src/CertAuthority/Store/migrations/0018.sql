-- What is stored of a resource is JSON in a shape of its own, not the text of a file: rules for files become stricter, and no row may become unreadable by that.
-- A row that is none of ours stays as it is. The groups that make an account a user are part of that JSON.
UPDATE roles SET resource = resource_row('role', name, resource, NULL);
UPDATE users SET resource = resource_row('user', name, resource, from_groups);
UPDATE nodes SET resource = resource_row('node', name, resource, NULL);
UPDATE locks SET resource = resource_row('lock', name, resource, NULL);
ALTER TABLE users DROP COLUMN from_groups;
