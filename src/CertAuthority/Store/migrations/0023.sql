-- How many people a request was mailed to when it was filed, so that the requests of one user cannot fill mailboxes.
ALTER TABLE requests ADD COLUMN mailed INTEGER NOT NULL DEFAULT 0;
-- The addresses of users without one, for a receiver that delivers to people: {user}@example.com.
ALTER TABLE receivers ADD COLUMN address_template TEXT;
