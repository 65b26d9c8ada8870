-- Every recovery of a whole instance, with how its newest attempt ended.
CREATE VIEW recoveries AS
SELECT
  s.recovery_id, s.instance, s.target_instance,
  CASE last.type WHEN 'recovered' THEN 'recovered' WHEN 'recovery_failed' THEN 'failed' ELSE 'running' END AS state,
  json_extract(first.data, '$.at') AS at, s.attempts, first.at AS started_at,
  CASE WHEN last.type <> 'recovery_started' THEN last.at END AS finished_at,
  json_extract(last.data, '$.duration_seconds') AS duration_seconds,
  json_extract(last.data, '$.results') AS results,
  first.host, first.actor, s.sequence,
  coalesce((SELECT o.host FROM origins AS o WHERE o.catalog_id = first.catalog_id), '') AS origin
FROM (
  SELECT
    json_extract(data, '$.recovery_id') AS recovery_id, instance,
    json_extract(data, '$.target_instance') AS target_instance,
    count(*) FILTER (WHERE type = 'recovery_started') AS attempts, min(id) AS sequence, max(id) AS last_id
  FROM events
  WHERE type IN ('recovery_started', 'recovered', 'recovery_failed')
  GROUP BY 1, 2, 3
) AS s
JOIN events AS first ON first.id = s.sequence
JOIN events AS last ON last.id = s.last_id
