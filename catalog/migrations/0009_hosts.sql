-- What was tried and what was good of each database by a past moment is read from this index alone, not from the rows.
CREATE INDEX projected_backups_by_host ON projected_backups (host, instance, database, started_at, checksummed_at);
