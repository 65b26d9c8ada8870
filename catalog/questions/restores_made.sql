-- title: Restores, and who did them
-- about: Every restore and every recovery of a whole instance that began in the period, with its outcome.
-- serves: ISO 27001:2022 A.8.13, A.8.15; SOC 2 A1.2, A1.3, CC7.5; GDPR art. 32 (1) c, LGPD art. 46
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that it ran on; default: every host
-- parameter instance: where the backup came from; default: every one
-- parameter database: the database that the backup was of; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
WITH answer AS (
  SELECT
    started_at, 'restore' AS kind, host, actor AS done_by, state, instance, database, target_instance, target_database,
    requested, finished_at, duration_seconds, rows, plain_bytes, code, message, left_behind, source_path, backup_id,
    restore_id AS id, run_id, sequence
  FROM projected_restores
  UNION ALL
  SELECT
    started_at, 'recovery', host, actor, state, instance, NULL, target_instance, NULL,
    at, finished_at, duration_seconds, NULL, NULL, NULL,
    CASE WHEN results IS NOT NULL THEN json_array_length(results) || ' databases' END, NULL, NULL, NULL,
    recovery_id, NULL, sequence
  FROM recoveries
)
SELECT
  started_at, kind, host, done_by, state, instance, database, target_instance, target_database, requested, finished_at,
  duration_seconds, rows, plain_bytes, code, message, left_behind, source_path, backup_id, id, run_id
FROM answer
WHERE started_at >= coalesce(:from, '')
  AND started_at <= CASE
    WHEN coalesce(:to, '') = '' THEN '9999'
    WHEN julianday(:to) IS NULL THEN ''
    WHEN length(:to) = 10 THEN date(:to, '+1 day')
    ELSE :to
  END
  AND coalesce(:host, '') IN ('', host)
  AND coalesce(:instance, '') IN ('', instance)
  AND (coalesce(:database, '') = '' OR database = :database)
ORDER BY sequence DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
