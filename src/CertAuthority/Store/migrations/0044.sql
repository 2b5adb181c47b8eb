-- Only PostgreSQL has several daemons.
SELECT 1;
