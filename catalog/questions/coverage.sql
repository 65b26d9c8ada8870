-- title: What could have been restored at a past moment, and how old it was
-- about: Of each database the newest backup that was good at that moment, by the events, whatever became of it later.
-- serves: ISO 27001:2022 A.8.13 (recoverability, RPO); SOC 2 A1.2, A1.3; GDPR art. 32 (1) c, LGPD art. 46
-- parameter on: the day at whose end, or the moment in UTC at which; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter limit: how many rows at most; default: 1000, and -1 is all
-- A + keeps a condition from choosing the index: each of these looks at the few events of one backup or database.
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
  known AS (
    SELECT host, instance, database, max(sequence) AS last_sequence
    FROM projected_backups
    WHERE started_at <= (SELECT at FROM moment)
      AND coalesce(:host, '') IN ('', host)
      AND coalesce(:instance, '') IN ('', instance)
      AND coalesce(:database, '') IN ('', database)
    GROUP BY host, instance, database
  ),
  newest AS MATERIALIZED (
    SELECT k.*, (
      SELECT b.sequence
      FROM projected_backups AS b
      WHERE b.instance = k.instance AND b.database = k.database AND b.host = k.host
        AND b.sequence <= k.last_sequence
        AND b.started_at <= (SELECT at FROM moment)
        AND b.checksummed_at IS NOT NULL
        AND (b.pruned_at IS NULL OR b.pruned_at > (SELECT at FROM moment))
        AND (  -- the last word about its file by then
          SELECT e.type
          FROM events AS e
          WHERE e.backup_id = b.backup_id
            AND +e.at <= (SELECT at FROM moment)
            AND (
              e.type IN ('missing', 'damaged')
              OR (e.type = 'checksummed' AND json_extract(e.data, '$.sha256') = b.sha256)
              OR (
                e.type = 'verified' AND json_extract(e.data, '$.verdict') = 'pass'
                AND e.id > (SELECT g.good_event FROM projected_good AS g WHERE g.backup_id = b.backup_id)
              )
            )
          ORDER BY e.id DESC LIMIT 1
        ) IN ('checksummed', 'verified')
      ORDER BY b.sequence DESC LIMIT 1
    ) AS sequence
    FROM known AS k
  )
SELECT
  (SELECT at FROM moment) AS as_of, n.host, n.instance, n.database,
  iif(n.sequence IS NULL, 'no', 'yes') AS restorable,
  b.started_at AS backup_started_at,
  round((julianday((SELECT at FROM moment)) - julianday(b.started_at)) * 86400) AS age_seconds,
  b.size_bytes, b.plain_bytes, b.rows, b.consistent, b.gaps,
  (
    SELECT max(v.at) FROM events AS v
    WHERE v.backup_id = b.backup_id AND +v.type = 'verified' AND +v.at <= (SELECT at FROM moment)
      AND json_extract(v.data, '$.verdict') = 'pass'
  ) AS verified_at,
  (
    SELECT max(d.at) FROM events AS d INDEXED BY events_by_type
    WHERE d.type = 'drilled' AND d.instance = n.instance AND d.database = n.database AND d.host = n.host
      AND d.at <= (SELECT at FROM moment) AND json_extract(d.data, '$.verdict') = 'pass'
  ) AS database_proved_at,
  b.backup_id, b.path, b.sha256, b.state AS state_today
FROM newest AS n
LEFT JOIN projected_backups AS b ON b.sequence = n.sequence
ORDER BY n.host, n.instance, n.database
LIMIT coalesce(nullif(:limit, ''), 1000)
