-- title: Rehearsed restores, with result and duration
-- about: Every drill that ended in the period: restored, compared with what was dumped, and how long that took.
-- serves: ISO 27001:2022 A.8.13 (backups are tested regularly), A.5.30; SOC 2 A1.3; GDPR art. 32 (1) d, LGPD art. 46
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter verdict: pass, fail, cannot judge or abandoned; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
WITH answer AS (
  SELECT
    e.id, e.at, e.host, e.instance, e.database,
    iif(e.type = 'drilled', json_extract(e.data, '$.verdict'), 'abandoned') AS verdict,
    json_extract(e.data, '$.duration_seconds') AS duration_seconds,
    nullif(json_extract(e.data, '$.reason'), '') AS reason,
    json_array_length(e.data, '$.differences') AS differences,
    json_extract(e.data, '$.rows') AS rows,
    json_extract(e.data, '$.objects') AS objects,
    json_extract(e.data, '$.assertions') AS assertions,
    json_extract(e.data, '$.plain_bytes') AS plain_bytes,
    json_extract(e.data, '$.server') AS server,
    json_extract(e.data, '$.sandbox') AS sandbox,
    nullif(json_extract(e.data, '$.target_instance'), '') AS target_instance,
    e.backup_id, e.actor AS done_by, e.run_id
  FROM events AS e
  WHERE e.type IN ('drilled', 'drill_abandoned')
    AND e.at >= coalesce(:from, '')
    AND e.at <= CASE
      WHEN coalesce(:to, '') = '' THEN '9999'
      WHEN julianday(:to) IS NULL THEN ''
      WHEN length(:to) = 10 THEN date(:to, '+1 day')
      ELSE :to
    END
    AND coalesce(:host, '') IN ('', e.host)
    AND coalesce(:instance, '') IN ('', e.instance)
    AND coalesce(:database, '') IN ('', e.database)
)
SELECT
  a.at, a.host, a.instance, a.database, a.verdict, a.duration_seconds, a.reason, a.differences, a.rows, a.objects,
  a.assertions, a.plain_bytes, a.server, a.sandbox, a.target_instance, b.started_at AS backup_started_at, a.backup_id,
  a.done_by, a.run_id
FROM answer AS a
LEFT JOIN projected_backups AS b ON b.backup_id = a.backup_id
WHERE coalesce(:verdict, '') IN ('', a.verdict)
ORDER BY a.id DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
