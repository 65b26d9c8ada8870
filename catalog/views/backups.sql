CREATE VIEW backups AS
SELECT
  b.backup_id, instance, database, engine, state, path, size_bytes, sha256,
  started_at, finished_at, duration_seconds, verified_at, drilled_at, held,
  sequence, dumped_at IS NOT NULL AS dumped, shape, slot_start, slot_end, plain_bytes, plain_sha256, metadata_sha256,
  compression, consistent, gaps, rows, rows_exact, schema_hash, attempt, forced, host, process,
  dumped_at, checksummed_at, pruned_at, code, message, hint,
  l.looked_at, l.verdict, l.reason AS verdict_reason, l.event AS looked_event,
  b.origin,
  EXISTS (
    SELECT 1 FROM projected_restores AS r WHERE r.backup_id = b.backup_id AND r.state = 'running'
  ) AS restoring
FROM projected_backups AS b
LEFT JOIN projected_looks AS l ON l.backup_id = b.backup_id
