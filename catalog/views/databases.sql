-- `due` follows design.md: no good backup covers the slot of now. `overdue`: the newest is older than 1.5 intervals.
CREATE VIEW databases AS
SELECT
  d.instance, d.database, b.engine, d.present,
  b.backup_id AS newest_good, b.started_at AS newest_good_at, b.path, b.size_bytes,
  round((julianday('now') - julianday(b.started_at)) * 86400) AS age_seconds,
  coalesce(d.present, 1) AND NOT coalesce(
    b.slot_start <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND b.slot_end > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    0
  ) AS due,
  coalesce(d.present, 1) AND coalesce(
    julianday('now') - julianday(b.started_at) > 1.5 * (julianday(b.slot_end) - julianday(b.slot_start)),
    1
  ) AS overdue,
  d.last_failure_at, d.last_failure_code, d.last_failure_message,
  d.kept_count, d.kept_bytes, d.origin
FROM projected_databases AS d
LEFT JOIN projected_backups AS b ON b.sequence = d.good_sequence
