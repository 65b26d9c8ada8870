-- title: Backups that were made, and what became of them
-- about: Every attempt that began in the period, newest first: the population that a sample is drawn from.
-- serves: ISO 27001:2022 A.8.13; SOC 2 A1.2; GDPR art. 32 (1) b, LGPD art. 46
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter state: running, good, failed, abandoned, damaged, missing or pruned, as of today; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
SELECT
  host, instance, database, engine, started_at, state, checksummed_at AS good_since, size_bytes, plain_bytes, rows,
  duration_seconds, consistent, gaps, verified_at, drilled_at, pruned_at, held, code, message, backup_id, path, sha256
FROM projected_backups
WHERE started_at >= coalesce(:from, '')
  AND started_at <= CASE
    WHEN coalesce(:to, '') = '' THEN '9999'
    WHEN julianday(:to) IS NULL THEN ''
    WHEN length(:to) = 10 THEN date(:to, '+1 day')
    ELSE :to
  END
  AND coalesce(:host, '') IN ('', host)
  AND coalesce(:instance, '') IN ('', instance)
  AND coalesce(:database, '') IN ('', database)
  AND coalesce(:state, '') IN ('', state)
ORDER BY sequence DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
