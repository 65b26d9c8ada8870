-- Every event as one readable sentence; one of a newer program says at least what it is and what it is about.
CREATE VIEW audit_log AS
SELECT
  id, at, type, host, actor, instance, database, backup_id, run_id,
  CASE type
    WHEN 'started' THEN 'dump of ' || instance || '/' || database || ' started: ' || json_extract(data, '$.reason')
    WHEN 'dumped' THEN 'dump of ' || instance || '/' || database || ' written to ' || json_extract(data, '$.path')
      || ' (' || json_extract(data, '$.size_bytes') || ' bytes)'
    WHEN 'checksummed' THEN 'backup of ' || instance || '/' || database || ' read back and good: '
      || json_extract(data, '$.path')
    WHEN 'verified' THEN 'backup of ' || instance || '/' || database || ' verified: ' || json_extract(data, '$.verdict')
    WHEN 'drilled' THEN 'restore of ' || instance || '/' || database || ' drilled: ' || json_extract(data, '$.verdict')
    WHEN 'failed' THEN json_extract(data, '$.step') || ' of ' || coalesce(instance || '/' || database, instance, '?')
      || ' failed: ' || json_extract(data, '$.message')
    WHEN 'abandoned' THEN 'dump of ' || instance || '/' || database || ' abandoned: ' || json_extract(data, '$.reason')
    WHEN 'missing' THEN 'backup of ' || instance || '/' || database || ' is missing: ' || json_extract(data, '$.path')
    WHEN 'damaged' THEN 'backup of ' || instance || '/' || database || ' is damaged: ' || json_extract(data, '$.reason')
    WHEN 'pruned' THEN 'backup of ' || instance || '/' || database || ' pruned: ' || json_extract(data, '$.reason')
    WHEN 'held' THEN 'backup of ' || instance || '/' || database || ' held: ' || json_extract(data, '$.reason')
    WHEN 'released' THEN 'hold on ' || instance || '/' || database || ' released: ' || json_extract(data, '$.reason')
    WHEN 'restore_started' THEN 'restore of ' || json_extract(data, '$.source_path') || ' to '
      || json_extract(data, '$.target_instance') || '/' || json_extract(data, '$.target_database') || ' started'
    WHEN 'restored' THEN json_extract(data, '$.target_instance') || '/' || json_extract(data, '$.target_database')
      || ' restored and compared: ' || json_extract(data, '$.rows') || ' rows'
    WHEN 'restore_failed' THEN 'restore of ' || json_extract(data, '$.target_instance') || '/'
      || json_extract(data, '$.target_database') || ' failed: ' || json_extract(data, '$.message')
    WHEN 'discovered' THEN json_array_length(data, '$.found') || ' databases found on ' || instance || ', '
      || json_array_length(data, '$.excluded') || ' excluded'
    WHEN 'discovery_failed' THEN 'databases of ' || instance || ' could not be listed: '
      || json_extract(data, '$.message')
    WHEN 'run_started' THEN 'run started: ' || json_extract(data, '$.command')
    WHEN 'run_finished' THEN 'run finished with exit status ' || json_extract(data, '$.exit_status')
    WHEN 'task_recorded' THEN 'task ' || json_extract(data, '$.task') || ' is up to date'
    WHEN 'task_forgotten' THEN 'task ' || json_extract(data, '$.task') || ' is forgotten'
    WHEN 'catalog_created' THEN 'catalog created by version ' || json_extract(data, '$.program_version')
    ELSE replace(type, '_', ' ') || coalesce(': ' || instance || coalesce('/' || database, ''), '')
  END AS sentence
FROM events
