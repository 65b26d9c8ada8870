CREATE VIEW runs AS
SELECT
  run_id, command, version, environment, config_path, host, actor, started_at, finished_at,
  round((julianday(finished_at) - julianday(started_at)) * 86400, 3) AS duration_seconds,
  exit_status, results, sequence, origin
FROM projected_runs
