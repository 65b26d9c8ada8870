-- Every event as one readable sentence; one of a newer program says at least what it is and what it is about.
CREATE VIEW audit_log AS
SELECT
  id, at, type, host, actor, instance, database, backup_id, run_id,
  coalesce(
    CASE type
      WHEN 'started' THEN 'dump of ' || subject || ' started: ' || json_extract(data, '$.reason')
      WHEN 'dumped' THEN 'dump of ' || subject || ' written to ' || json_extract(data, '$.path')
        || ' (' || json_extract(data, '$.size_bytes') || ' bytes)'
      WHEN 'checksummed' THEN 'backup of ' || subject || ' read back and good: '
        || json_extract(data, '$.path')
      WHEN 'accounts_changed' THEN 'accounts of ' || subject || ' changed: '
        || coalesce(
          nullif(json_extract(data, '$.problem'), ''),
          json_extract(data, '$.added') || ' added, ' || json_extract(data, '$.removed') || ' removed, '
            || json_extract(data, '$.changed') || ' changed'
        )
      WHEN 'verified' THEN 'backup of ' || subject || ' verified: ' || json_extract(data, '$.verdict')
        || coalesce(': ' || nullif(json_extract(data, '$.reason'), ''), '')
      WHEN 'drill_started' THEN 'drill of ' || subject || ' started'
        || coalesce(' on ' || nullif(json_extract(data, '$.target_instance'), ''), '')
      WHEN 'drill_abandoned' THEN 'drill of ' || subject || ' abandoned: ' || json_extract(data, '$.reason')
      WHEN 'drilled' THEN 'restore of ' || subject || ' drilled: ' || json_extract(data, '$.verdict')
      WHEN 'failed' THEN json_extract(data, '$.step')
        || coalesce(' of ' || instance || coalesce('/' || database, ''), '')
        || ' failed: ' || json_extract(data, '$.message')
      WHEN 'abandoned' THEN 'dump of ' || subject || ' abandoned: ' || json_extract(data, '$.reason')
      WHEN 'missing' THEN 'backup of ' || subject || ' is missing: ' || json_extract(data, '$.path')
      WHEN 'damaged' THEN 'backup of ' || subject || ' is damaged: ' || json_extract(data, '$.reason')
      WHEN 'pruned' THEN 'backup of ' || subject || ' pruned: ' || json_extract(data, '$.reason')
      WHEN 'held' THEN 'backup of ' || subject || ' held: ' || json_extract(data, '$.reason')
      WHEN 'removed' THEN 'files of pruned backup of ' || subject || ' removed: '
        || json_array_length(data, '$.paths') || ', left: ' || json_array_length(data, '$.left')
      WHEN 'released' THEN iif(backup_id IS NULL, 'pruning of ', 'hold on ') || subject || ' released: '
        || json_extract(data, '$.reason')
      WHEN 'restore_started' THEN 'restore of ' || json_extract(data, '$.source_path') || ' to '
        || json_extract(data, '$.target_instance') || '/' || json_extract(data, '$.target_database') || ' started'
      WHEN 'restored' THEN json_extract(data, '$.target_instance') || '/' || json_extract(data, '$.target_database')
        || ' restored and compared: ' || iif(
          coalesce(json_array_length(data, '$.accounts'), 0),
          json_array_length(data, '$.accounts') || ' accounts',
          json_extract(data, '$.rows') || ' rows'
        )
      WHEN 'restore_failed' THEN 'restore of ' || json_extract(data, '$.target_instance') || '/'
        || json_extract(data, '$.target_database') || ' failed: ' || json_extract(data, '$.message')
      WHEN 'restore_cleaned' THEN 'leftovers of a restore of ' || json_extract(data, '$.target_instance') || '/'
        || json_extract(data, '$.target_database') || ' removed'
      WHEN 'recovery_started' THEN 'recovery of ' || subject || ' to ' || json_extract(data, '$.target_instance')
        || iif(json_extract(data, '$.resumed'), ' went on: ', ' started: ')
        || json_array_length(data, '$.databases') || ' databases to restore'
      WHEN 'recovered' THEN subject || ' recovered to ' || json_extract(data, '$.target_instance') || ': '
        || json_array_length(data, '$.results') || ' databases'
      WHEN 'recovery_failed' THEN 'recovery of ' || subject || ' to ' || json_extract(data, '$.target_instance')
        || ' is not complete'
      WHEN 'discovered' THEN json_array_length(data, '$.found') || ' databases found on ' || subject || ', '
        || json_array_length(data, '$.excluded') || ' excluded'
      WHEN 'discovery_failed' THEN 'databases of ' || subject || ' could not be listed: '
        || json_extract(data, '$.message')
      WHEN 'run_started' THEN 'run of ' || json_extract(data, '$.command') || ' started'
      WHEN 'configured' THEN 'configuration in force: ' || json_array_length(data, '$.instances') || ' instances, every '
        || json_extract(data, '$.interval_minutes') || ' minutes (' || json_extract(data, '$.timezone') || '), '
        || json_extract(data, '$.retention.strategy') || ' retention'
      WHEN 'run_finished' THEN 'run finished with exit status ' || json_extract(data, '$.exit_status')
      WHEN 'hook_ran' THEN 'hook ' || json_extract(data, '$.hook') || ' (' || json_extract(data, '$.moment') || ')'
        || coalesce(' for ' || instance || coalesce('/' || database, ''), '')
        || coalesce(' failed: ' || nullif(json_extract(data, '$.problem'), ''), ' succeeded')
      WHEN 'scheduled' THEN 'scheduled ' || json_extract(data, '$.job')
        || iif(json_extract(data, '$.outcome') = 'started', ' started', ' not started: blackout '
          || json_extract(data, '$.blackout'))
        || coalesce(', expected at ' || json_extract(data, '$.expected_at'), '')
      WHEN 'missed' THEN json_extract(data, '$.count') || ' expected ' || json_extract(data, '$.job')
        || ' missed since ' || json_extract(data, '$.expected_at') || ': ' || json_extract(data, '$.reason')
      WHEN 'notified' THEN json_extract(data, '$.channel') || ' was told (' || json_extract(data, '$.level') || '): '
        || json_extract(data, '$.what')
      WHEN 'notification_failed' THEN json_extract(data, '$.channel') || ' could not be told ('
        || json_extract(data, '$.level') || '): ' || json_extract(data, '$.message')
      WHEN 'task_recorded' THEN 'task ' || json_extract(data, '$.task') || ' is up to date'
      WHEN 'task_forgotten' THEN 'task ' || json_extract(data, '$.task') || ' is forgotten'
      WHEN 'catalog_created' THEN 'catalog created by version ' || json_extract(data, '$.program_version')
      WHEN 'catalog_rebuilt' THEN 'catalog made again from ' || json_extract(data, '$.source') || ': '
        || json_extract(data, '$.events') || ' events recovered'
    END,
    replace(type, '_', ' ') || coalesce(': ' || instance || coalesce('/' || database, ''), '')
  ) AS sentence,
  coalesce((SELECT o.host FROM origins AS o WHERE o.catalog_id = e.catalog_id), '') AS origin
FROM (SELECT *, coalesce(instance || '/' || database, instance, '?') AS subject FROM events) AS e
