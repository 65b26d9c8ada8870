-- When each database was last proved restorable, by which backup, how long that took, and how its newest drill ended.
CREATE VIEW drills AS
SELECT
  d.instance, d.database,
  proof.at AS proved_at, proof.backup_id, b.started_at AS backup_started_at,
  json_extract(proof.data, '$.duration_seconds') AS duration_seconds,
  json_extract(proof.data, '$.size_bytes') AS size_bytes,
  json_extract(proof.data, '$.plain_bytes') AS plain_bytes,
  json_extract(proof.data, '$.objects') AS objects,
  json_extract(proof.data, '$.rows') AS rows,
  json_extract(proof.data, '$.assertions') AS assertions,
  json_extract(proof.data, '$.server') AS server,
  json_extract(proof.data, '$.sandbox') AS sandbox,
  last.at AS last_drill_at, last.backup_id AS last_backup_id,
  json_extract(last.data, '$.verdict') AS last_verdict,
  json_extract(last.data, '$.reason') AS last_reason,
  coalesce(e.drills, 0) AS drills,
  d.origin
FROM projected_databases AS d
LEFT JOIN (
  SELECT
    coalesce(o.host, '') AS origin, instance, database, count(*) AS drills, max(id) AS last_id,
    max(CASE WHEN json_extract(data, '$.verdict') = 'pass' THEN id END) AS proof_id
  FROM events
  LEFT JOIN origins AS o ON o.catalog_id = events.catalog_id
  WHERE type = 'drilled'
  GROUP BY 1, 2, 3
) AS e ON e.instance = d.instance AND e.database = d.database AND e.origin = d.origin
LEFT JOIN events AS last ON last.id = e.last_id
LEFT JOIN events AS proof ON proof.id = e.proof_id
LEFT JOIN projected_backups AS b ON b.backup_id = proof.backup_id
