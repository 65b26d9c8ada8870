-- title: Backups that were given up, and why
-- about: Every pruned backup with the rule that let it go, the policy in force, and when its files were removed.
-- serves: ISO 27001:2022 A.8.10, A.8.13 (retention); SOC 2 A1.2, C1.2; GDPR art. 5 (1) e and 17, LGPD art. 15 and 16
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
-- Of one database they are found by its name, else by their time.
WITH chosen AS (
  SELECT id, at FROM events
  WHERE coalesce(:database, '') = '' AND type = 'pruned'
    AND at >= coalesce(:from, '')
    AND at <= CASE
      WHEN coalesce(:to, '') = '' THEN '9999'
      WHEN julianday(:to) IS NULL THEN ''
      WHEN length(:to) = 10 THEN date(:to, '+1 day')
      ELSE :to
    END
    AND coalesce(:host, '') IN ('', host)
    AND coalesce(:instance, '') IN ('', instance)
  UNION ALL
  SELECT id, at FROM events INDEXED BY events_by_type
  WHERE :database <> '' AND type = 'pruned' AND database = :database
    AND instance IN (SELECT k.instance FROM projected_databases AS k WHERE k.database = :database)
    AND +at >= coalesce(:from, '')
    AND +at <= CASE
      WHEN coalesce(:to, '') = '' THEN '9999'
      WHEN julianday(:to) IS NULL THEN ''
      WHEN length(:to) = 10 THEN date(:to, '+1 day')
      ELSE :to
    END
    AND coalesce(:host, '') IN ('', host)
    AND coalesce(:instance, '') IN ('', instance)
  ORDER BY at DESC, id DESC
  LIMIT coalesce(nullif(:limit, ''), 1000)
)
SELECT
  p.at AS pruned_at, p.host, p.instance, p.database, b.started_at AS backup_started_at,
  json_extract(p.data, '$.reason') AS reason, json_extract(p.data, '$.policy') AS policy,
  json_extract(p.data, '$.size_bytes') AS size_bytes,
  r.at AS removed_at, json_extract(r.data, '$.freed_bytes') AS freed_bytes,
  json_array_length(r.data, '$.left') AS files_left,
  p.actor AS done_by, p.backup_id, json_extract(p.data, '$.path') AS path,
  coalesce(nullif(json_extract(p.data, '$.decision'), ''), p.backup_id) AS decision, p.run_id
FROM chosen AS c
JOIN events AS p ON p.id = c.id
LEFT JOIN projected_backups AS b ON b.backup_id = p.backup_id
LEFT JOIN events AS r ON r.id = (
  SELECT max(x.id) FROM events AS x WHERE x.backup_id = p.backup_id AND x.type = 'removed'
)
ORDER BY c.at DESC, c.id DESC
