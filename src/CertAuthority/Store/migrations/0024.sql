-- How long the access lasts at most from its start, in seconds, if the reviewer set a limit.
ALTER TABLE reviews ADD COLUMN max_duration INTEGER;
