-- What retention asks about a backup. `before_bytes` is the plain size of the good one before it, when it became good.
CREATE VIEW retained AS
SELECT
  b.backup_id, b.sequence, b.instance, b.database, b.state, b.path, b.started_at, b.size_bytes, b.plain_bytes,
  b.sha256, b.metadata_sha256, b.verified_at, b.drilled_at, b.held, b.origin,
  EXISTS (
    SELECT 1 FROM projected_restores AS r WHERE r.backup_id = b.backup_id AND r.state = 'running'
  ) AS restoring,
  (
    SELECT json_group_array(json(d.process)) FROM projected_drills AS d WHERE d.backup_id = b.backup_id
  ) AS drills,
  g.good_event, g.before_bytes, g.inode, g.modified_ns,
  EXISTS (SELECT 1 FROM projected_prunes AS p WHERE p.backup_id = b.backup_id) AS removing,
  b.origin
FROM projected_backups AS b
LEFT JOIN projected_good AS g ON g.backup_id = b.backup_id
