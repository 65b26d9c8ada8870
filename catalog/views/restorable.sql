CREATE VIEW restorable AS
SELECT
  backups.*,
  drilled_at AS proved_at,
  started_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS future
FROM backups
WHERE state = 'good'
