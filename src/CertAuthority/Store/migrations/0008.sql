-- The nodes that a request names; none in a request for roles.
ALTER TABLE requests ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
