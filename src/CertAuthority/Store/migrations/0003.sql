-- A user that comes from groups has no resource of anybody's making; the groups that make an account this user. NULL for every other.
ALTER TABLE users ADD COLUMN from_groups TEXT;
