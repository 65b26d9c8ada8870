-- title: What is to be backed up, compared with what was found
-- about: Every database that discovery found, what is left out and why, and what was backed up once and is gone.
-- serves: ISO 27001:2022 A.8.13 (scope of backups), A.5.9 (inventory); SOC 2 A1.2; GDPR art. 32 (1) b, LGPD art. 46
-- parameter on: the day at whose end, or the moment in UTC at which; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
WITH
  moment AS (
    SELECT min(
      CASE
        WHEN coalesce(:on, '') = '' THEN '9999'
        WHEN julianday(:on) IS NULL THEN ''
        WHEN length(:on) = 10 THEN date(:on, '+1 day')
        ELSE :on
      END,
      strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    ) AS at
  ),
  asked AS (  -- the newest answer of each instance
    SELECT e.host, e.instance, e.at, e.data
    FROM events AS e
    WHERE e.id IN (
      SELECT max(id) FROM events WHERE type = 'discovered' AND at <= (SELECT at FROM moment) GROUP BY host, instance
    )
  ),
  told AS (  -- the instances of the newest configuration of each host
    SELECT e.host, json_extract(i.value, '$.id') AS instance, json_extract(i.value, '$.enabled') AS enabled
    FROM events AS e, json_each(e.data, '$.instances') AS i
    WHERE e.id IN (
      SELECT max(id) FROM events WHERE type = 'configured' AND at <= (SELECT at FROM moment) GROUP BY host
    )
  ),
  tried AS (
    SELECT host, instance, database, max(started_at) AS last_attempt_at,
      max(CASE WHEN checksummed_at <= (SELECT at FROM moment) THEN started_at END) AS newest_good_at
    FROM projected_backups
    WHERE started_at <= (SELECT at FROM moment)
    GROUP BY host, instance, database
  ),
  listed AS (
    SELECT a.host, a.instance, f.value AS database, 'found' AS listing, NULL AS reason, a.at AS found_at
    FROM asked AS a, json_each(a.data, '$.found') AS f
    UNION ALL
    SELECT a.host, a.instance, json_extract(x.value, '$.name'), 'left out', json_extract(x.value, '$.reason'), a.at
    FROM asked AS a, json_each(a.data, '$.excluded') AS x
  ),
  answer AS (
    SELECT l.host, l.instance, l.database,
      CASE
        WHEN l.listing = 'left out' THEN 'left out'
        WHEN t.newest_good_at IS NULL THEN 'never backed up'
        ELSE 'backed up'
      END AS state,
      l.reason, l.found_at, t.newest_good_at, t.last_attempt_at
    FROM listed AS l
    LEFT JOIN tried AS t ON t.host = l.host AND t.instance = l.instance AND t.database = l.database
    UNION ALL
    SELECT t.host, t.instance, t.database,
      CASE
        WHEN t.database LIKE '@%' THEN iif(t.newest_good_at IS NULL, 'never backed up', 'backed up')
        WHEN a.instance IS NULL THEN 'never listed'
        ELSE 'no longer found'
      END,
      NULL, a.at, t.newest_good_at, t.last_attempt_at
    FROM tried AS t
    LEFT JOIN asked AS a ON a.host = t.host AND a.instance = t.instance
    WHERE NOT EXISTS (
      SELECT 1 FROM listed AS l WHERE l.host = t.host AND l.instance = t.instance AND l.database = t.database
    )
    UNION ALL
    SELECT c.host, c.instance, NULL, iif(c.enabled, 'never asked', 'switched off'), NULL, NULL, NULL, NULL
    FROM told AS c
    WHERE NOT c.enabled OR NOT EXISTS (SELECT 1 FROM asked AS a WHERE a.host = c.host AND a.instance = c.instance)
  )
SELECT
  (SELECT at FROM moment) AS as_of, host, instance, database, state, reason, found_at, newest_good_at, last_attempt_at
FROM answer
WHERE coalesce(:host, '') IN ('', host)
  AND coalesce(:instance, '') IN ('', instance)
  AND (coalesce(:database, '') = '' OR database = :database)
ORDER BY host, instance, database
LIMIT coalesce(nullif(:limit, ''), 1000)
