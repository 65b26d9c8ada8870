-- title: Holds, given and released, and alarms that someone looked at
-- about: Every promise not to prune a backup that stood in the period; open where it still does.
-- serves: ISO 27001:2022 A.5.28 (evidence), A.5.33, A.8.13; SOC 2 A1.2, C1.1; GDPR art. 18, LGPD art. 16
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter state: open, released or alarm; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
WITH answer AS (
  SELECT
    h.id, h.host, h.instance, h.database, iif(r.id IS NULL, 'open', 'released') AS state, h.at AS held_at,
    h.actor AS held_by, json_extract(h.data, '$.reason') AS reason, r.at AS released_at, r.actor AS released_by,
    json_extract(r.data, '$.reason') AS release_reason, h.backup_id
  FROM events AS h
  LEFT JOIN events AS r ON r.id = (
    SELECT min(x.id) FROM events AS x WHERE x.backup_id = h.backup_id AND x.type = 'released' AND x.id > h.id
  )
  WHERE h.type = 'held'
  UNION ALL
  SELECT
    id, host, instance, database, 'alarm', NULL, NULL, nullif(json_extract(data, '$.about'), ''), at, actor,
    json_extract(data, '$.reason'), NULL
  FROM events
  WHERE type = 'released' AND backup_id IS NULL
)
SELECT
  a.host, a.instance, a.database, a.state, a.held_at, a.held_by, a.reason, a.released_at, a.released_by,
  a.release_reason, b.started_at AS backup_started_at, b.state AS backup_state_today, a.backup_id, b.path
FROM answer AS a
LEFT JOIN projected_backups AS b ON b.backup_id = a.backup_id
WHERE coalesce(a.released_at, '9999') >= coalesce(:from, '')
  AND coalesce(a.held_at, a.released_at)
    <= CASE
      WHEN coalesce(:to, '') = '' THEN '9999'
      WHEN julianday(:to) IS NULL THEN ''
      WHEN length(:to) = 10 THEN date(:to, '+1 day')
      ELSE :to
    END
  AND coalesce(:host, '') IN ('', a.host)
  AND coalesce(:instance, '') IN ('', a.instance)
  AND coalesce(:database, '') IN ('', a.database)
  AND coalesce(:state, '') IN ('', a.state)
ORDER BY a.id DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
