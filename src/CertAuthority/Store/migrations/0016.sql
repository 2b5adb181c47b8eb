-- Whose request a message is about, so that nobody's flood takes the place of what others wait for; null for what is about no user.
ALTER TABLE outbox ADD COLUMN about TEXT;
CREATE INDEX outbox_about ON outbox (receiver, about, number);
