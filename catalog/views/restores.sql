CREATE VIEW restores AS
SELECT
  restore_id, state, backup_id, instance, database, target_instance, target_database, source_path, requested,
  started_at, finished_at, duration_seconds, rows, plain_bytes, code, message, hint, left_behind,
  staging, retired, process, host, actor, run_id, sequence, origin
FROM projected_restores
