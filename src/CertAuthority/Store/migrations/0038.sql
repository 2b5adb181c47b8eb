-- Only PostgreSQL has daemons that follow another one.
SELECT 1;
