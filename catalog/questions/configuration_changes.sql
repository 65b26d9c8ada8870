-- title: Changes of the configuration: scope, schedule, retention
-- about: Each configuration as the first run under it recorded it, and what differs from the one before on that host.
-- serves: ISO 27001:2022 A.8.9, A.8.13 (backup policy), A.8.32; SOC 2 CC8.1, A1.2; GDPR art. 24, LGPD art. 50
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter limit: how many rows at most; default: 1000, and -1 is all
WITH
  told AS (
    SELECT id, at, host, actor, run_id, data, lag(data) OVER (PARTITION BY host ORDER BY id) AS before
    FROM events
    WHERE type = 'configured'
  ),
  values_of AS (
    SELECT t.id, replace(substr(n.fullkey, 3), '"', '') AS name, n.atom AS now, NULL AS was, 1 AS is_new
    FROM told AS t, json_tree(t.data) AS n WHERE n.atom IS NOT NULL AND t.before IS NOT NULL
    UNION ALL
    SELECT t.id, replace(substr(o.fullkey, 3), '"', ''), NULL, o.atom, 0
    FROM told AS t, json_tree(t.before) AS o WHERE o.atom IS NOT NULL AND t.before IS NOT NULL
  ),
  changed AS (
    SELECT id, name, max(now) AS now, max(was) AS was
    FROM values_of
    GROUP BY id, name
    HAVING count(*) = 1 OR max(now) <> max(was)
  )
SELECT
  t.at, t.host, t.actor AS run_by,
  iif(t.before IS NULL, 'the first one that is known', (
    SELECT group_concat(c.name || ': ' || coalesce(c.was, '-') || ' -> ' || coalesce(c.now, '-'), '; ')
    FROM (SELECT * FROM changed WHERE id = t.id ORDER BY name) AS c
  )) AS changes,
  json_extract(t.data, '$.environment') AS environment, json_extract(t.data, '$.timezone') AS timezone,
  json_extract(t.data, '$.interval_minutes') AS interval_minutes,
  json_array_length(t.data, '$.instances') AS instances,
  json_extract(t.data, '$.retention') AS retention, json_array_length(t.data, '$.overrides') AS retention_overrides,
  json_extract(t.data, '$.verify_every_days') AS verify_every_days,
  json_extract(t.data, '$.drill_max_age_days') AS drill_max_age_days,
  json_extract(t.data, '$.min_free_percent') AS min_free_percent, t.run_id
FROM told AS t
WHERE t.at >= coalesce(:from, '')
  AND t.at <= CASE
    WHEN coalesce(:to, '') = '' THEN '9999'
    WHEN julianday(:to) IS NULL THEN ''
    WHEN length(:to) = 10 THEN date(:to, '+1 day')
    ELSE :to
  END
  AND coalesce(:host, '') IN ('', t.host)
ORDER BY t.id DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
