-- What monitoring asks about each database that is expected to have backups. `failing`: its newest attempt is no good
-- backup. `shrunk_percent`: how much its newest backup lost against one before a loss that nobody has looked at.
CREATE VIEW watched AS
SELECT
  d.origin, d.instance, d.database, b.engine, b.started_at AS newest_good_at, b.size_bytes, b.plain_bytes,
  p.verified_at, p.proved_at, p.drilled_at, p.drill_verdict, p.drill_reason,
  a.trouble_event IS NOT NULL OR coalesce(
    (
      SELECT n.state IN ('failed', 'abandoned') FROM projected_backups AS n
      WHERE n.instance = d.instance AND n.database = d.database AND n.origin = d.origin AND n.state <> 'running'
      ORDER BY n.sequence DESC LIMIT 1
    ),
    0
  ) AS failing,
  coalesce(
    (
      SELECT max(100 * (1 - 1.0 * max(g.plain_bytes, b.plain_bytes) / f.before_bytes))
      FROM projected_backups AS g JOIN projected_good AS f ON f.backup_id = g.backup_id
      WHERE g.instance = d.instance AND g.database = d.database AND g.origin = d.origin AND g.state = 'good'
        AND f.before_bytes > 0 AND f.good_event > coalesce(a.looked_event, 0)
    ),
    0
  ) AS shrunk_percent,
  d.last_failure_at, d.last_failure_message
FROM projected_databases AS d
LEFT JOIN projected_backups AS b ON b.sequence = d.good_sequence
LEFT JOIN projected_alarms AS a ON a.instance = d.instance AND a.database = d.database AND a.origin = d.origin
LEFT JOIN projected_proofs AS p ON p.instance = d.instance AND p.database = d.database AND p.origin = d.origin
WHERE coalesce(d.present, 1)
