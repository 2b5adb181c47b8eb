-- Lists of requests are read in the order of an index, from where the page before ended.
DROP INDEX requests_by_creation;
DROP INDEX requests_by_user;
CREATE INDEX requests_newest ON requests (created DESC, id DESC);
CREATE INDEX requests_by_user ON requests (user_id, created DESC, id DESC);
CREATE INDEX requests_by_user_name ON requests (user_name, created DESC, id DESC);
-- With both ends, so that whether a request is over is seen in the index.
CREATE INDEX requests_by_state ON requests (state, created DESC, id DESC, pending_until, access_until);
