-- title: The audit log in sentences
-- about: Every event of the period, newest first, with its place in the hash chain.
-- serves: ISO 27001:2022 A.8.15 (logging), A.5.28; SOC 2 CC7.2, CC7.3; GDPR art. 5 (2), LGPD art. 6 X and 37
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter type: one kind of event, such as pruned; default: every kind
-- parameter limit: how many rows at most; default: 1000, and -1 is all
-- What names a database or a type is found by that, else by its time.
WITH chosen AS (
  SELECT id, at FROM events
  WHERE coalesce(:database, '') = '' AND coalesce(:type, '') = ''
    AND at >= coalesce(:from, '')
    AND at <= CASE
      WHEN coalesce(:to, '') = '' THEN '9999'
      WHEN julianday(:to) IS NULL THEN ''
      WHEN length(:to) = 10 THEN date(:to, '+1 day')
      ELSE :to
    END
    AND coalesce(:host, '') IN ('', host)
    AND (coalesce(:instance, '') = '' OR instance = :instance)
  UNION ALL
  SELECT id, at FROM events
  WHERE coalesce(:database, '') = '' AND :type <> '' AND type = :type
    AND at >= coalesce(:from, '')
    AND at <= CASE
      WHEN coalesce(:to, '') = '' THEN '9999'
      WHEN julianday(:to) IS NULL THEN ''
      WHEN length(:to) = 10 THEN date(:to, '+1 day')
      ELSE :to
    END
    AND coalesce(:host, '') IN ('', host)
    AND (coalesce(:instance, '') = '' OR instance = :instance)
  UNION ALL
  SELECT id, at FROM events
  WHERE :database <> '' AND database = :database
    AND instance IN (SELECT k.instance FROM projected_databases AS k WHERE k.database = :database)
    AND coalesce(:type, '') IN ('', type)
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
  a.at, a.sentence, a.type, a.host, a.actor, a.instance, a.database, a.backup_id, a.run_id,
  e.catalog_id, e.position, e.hash
FROM chosen AS c
JOIN audit_log AS a ON a.id = c.id
JOIN events AS e ON e.id = c.id
ORDER BY c.at DESC, c.id DESC
