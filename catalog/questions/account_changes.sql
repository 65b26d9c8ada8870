-- title: Changes of accounts and privileges on the database servers
-- about: What differs between one backup of an instance's accounts and the next; passwords are never part of it.
-- serves: ISO 27001:2022 A.5.18, A.8.2 (privileged access); SOC 2 CC6.2, CC6.3; GDPR art. 32 (1) b, LGPD art. 46
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
SELECT
  e.at, e.host, e.instance,
  json_extract(e.data, '$.added') AS added, json_extract(e.data, '$.removed') AS removed,
  json_extract(e.data, '$.changed') AS changed,
  (SELECT group_concat(w.value, '; ') FROM json_each(e.data, '$.words') AS w) AS differences,
  nullif(json_extract(e.data, '$.problem'), '') AS problem,
  json_extract(e.data, '$.before') AS compared_with, e.backup_id, e.run_id
FROM events AS e
WHERE e.type = 'accounts_changed'
  AND e.at >= coalesce(:from, '')
  AND e.at <= CASE
    WHEN coalesce(:to, '') = '' THEN '9999'
    WHEN julianday(:to) IS NULL THEN ''
    WHEN length(:to) = 10 THEN date(:to, '+1 day')
    ELSE :to
  END
  AND coalesce(:host, '') IN ('', e.host)
  AND coalesce(:instance, '') IN ('', e.instance)
ORDER BY e.at DESC, e.id DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
