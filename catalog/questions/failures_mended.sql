-- title: Failures, and how long until they were mended
-- about: Everything that went wrong in the period, with the first thing afterwards that shows that it works again.
-- serves: ISO 27001:2022 A.8.13, A.5.26, A.8.16; SOC 2 A1.2, CC7.3, CC7.4; GDPR art. 32 (1) c, LGPD art. 46 and 48
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that makes the backups; default: every host
-- parameter instance: the database server, as it is configured; default: every one
-- parameter database: the name of the database on it; default: every one
-- parameter state: open or mended; default: both
-- parameter limit: how many rows at most; default: 1000, and -1 is all
WITH
  failed AS (
    SELECT
      e.id, e.at, e.type, e.host, e.instance, e.database, e.backup_id, e.run_id, e.actor,
      coalesce(json_extract(e.data, '$.step'), replace(e.type, '_', ' ')) AS what,
      json_extract(e.data, '$.code') AS code,
      coalesce(
        json_extract(e.data, '$.message'), json_extract(e.data, '$.reason'), json_extract(e.data, '$.path')
      ) AS message,
      nullif(json_extract(e.data, '$.hint'), '') AS hint,
      json_extract(e.data, '$.target_instance') AS target_instance,
      json_extract(e.data, '$.target_database') AS target_database
    FROM events AS e
    WHERE e.type IN (
        'failed', 'abandoned', 'discovery_failed', 'missing', 'damaged', 'verified', 'drilled', 'restore_failed',
        'recovery_failed'
      )
      AND (e.type NOT IN ('verified', 'drilled') OR json_extract(e.data, '$.verdict') = 'fail')
      AND NOT (  -- what it found stands beside it, and is what has to be mended
        e.type = 'verified' AND EXISTS (
          SELECT 1 FROM events AS x
          WHERE x.backup_id = e.backup_id AND +x.type IN ('missing', 'damaged') AND x.run_id IS e.run_id
        )
      )
      AND e.at >= coalesce(:from, '')
      AND e.at <= CASE
        WHEN coalesce(:to, '') = '' THEN '9999'
        WHEN julianday(:to) IS NULL THEN ''
        WHEN length(:to) = 10 THEN date(:to, '+1 day')
        ELSE :to
      END
      AND coalesce(:host, '') IN ('', e.host)
      AND (coalesce(:instance, '') = '' OR e.instance = :instance)
      AND (coalesce(:database, '') = '' OR e.database = :database)
    ORDER BY e.id DESC
    LIMIT CASE WHEN coalesce(:state, '') = '' THEN coalesce(nullif(:limit, ''), 1000) ELSE -1 END
  ),
  mended AS MATERIALIZED (
    SELECT f.*, CASE
      WHEN f.type IN ('failed', 'abandoned', 'missing', 'damaged') AND f.database IS NOT NULL THEN (
        -- a good backup of that database, or the same file found intact
        SELECT min(x.id) FROM (
          SELECT min(c.id) AS id FROM events AS c INDEXED BY events_by_type
          WHERE c.type = 'checksummed' AND c.instance = f.instance AND c.database = f.database AND c.host = f.host
            AND c.id > f.id
          UNION ALL
          SELECT min(v.id) FROM events AS v
          WHERE f.type IN ('missing', 'damaged') AND v.backup_id = f.backup_id AND v.type = 'verified' AND v.id > f.id
            AND json_extract(v.data, '$.verdict') = 'pass'
        ) AS x
      )
      WHEN f.type = 'verified' THEN (  -- only a sidecar differs, until it is put back or the backup is given up
        SELECT min(v.id) FROM events AS v
        WHERE v.backup_id = f.backup_id AND v.type IN ('verified', 'pruned') AND v.id > f.id
          AND coalesce(json_extract(v.data, '$.verdict'), 'pass') = 'pass'
      )
      WHEN f.type = 'drilled' THEN (
        SELECT min(d.id) FROM events AS d INDEXED BY events_by_type
        WHERE d.type = 'drilled' AND d.instance = f.instance AND d.database = f.database AND d.host = f.host
          AND d.id > f.id AND json_extract(d.data, '$.verdict') = 'pass'
      )
      WHEN f.type = 'failed' AND f.instance IS NULL THEN (
        -- what a run does at its end, such as to copy the catalog: the next run without that failure
        SELECT r.id FROM events AS r INDEXED BY events_by_type
        WHERE r.type = 'run_finished' AND r.instance IS NULL AND r.database IS NULL AND r.id > f.id
          AND r.host = f.host
          AND NOT EXISTS (
            SELECT 1 FROM events AS x
            WHERE x.run_id = r.run_id AND +x.type = 'failed' AND json_extract(x.data, '$.step') = f.what
          )
        ORDER BY r.id LIMIT 1
      )
      WHEN f.type IN ('discovery_failed', 'failed') THEN (
        -- any dump that was begun there: the instance had told what it holds
        SELECT min(x.id) FROM (
          SELECT (
            SELECT min(s.id) FROM events AS s INDEXED BY events_by_type
            WHERE s.type = 'started' AND s.instance = f.instance AND s.database = k.database AND s.host = f.host
              AND s.id > f.id
          ) AS id
          FROM (SELECT DISTINCT database FROM projected_databases WHERE instance = f.instance) AS k
        ) AS x
      )
      WHEN f.type = 'restore_failed' THEN (
        SELECT min(r.id) FROM events AS r
        WHERE r.type = 'restored' AND r.host = f.host AND r.id > f.id
          AND json_extract(r.data, '$.target_instance') = f.target_instance
          AND json_extract(r.data, '$.target_database') = f.target_database
      )
      WHEN f.type = 'recovery_failed' THEN (
        SELECT min(r.id) FROM events AS r
        WHERE r.type = 'recovered' AND r.instance = f.instance AND r.host = f.host AND r.id > f.id
      )
    END AS mended_by
    FROM failed AS f
  )
SELECT
  m.at, m.host, m.instance, m.database, m.what, m.code, m.message, m.hint,
  iif(m.mended_by IS NULL, 'open', 'mended') AS state,
  e.at AS mended_at, replace(e.type, '_', ' ') AS mended_by,
  round((julianday(e.at) - julianday(m.at)) * 86400) AS open_seconds,
  m.backup_id, m.actor AS run_by, m.run_id
FROM mended AS m
LEFT JOIN events AS e ON e.id = m.mended_by
WHERE coalesce(:state, '') IN ('', iif(m.mended_by IS NULL, 'open', 'mended'))
ORDER BY m.id DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
