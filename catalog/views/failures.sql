CREATE VIEW failures AS
SELECT
  id, at, type, instance, database, backup_id, run_id,
  json_extract(data, '$.step') AS step,
  json_extract(data, '$.code') AS code,
  json_extract(data, '$.message') AS message,
  json_extract(data, '$.hint') AS hint,
  host, actor,
  coalesce((SELECT o.host FROM origins AS o WHERE o.catalog_id = events.catalog_id), '') AS origin
FROM events
WHERE type IN ('failed', 'restore_failed', 'discovery_failed')
