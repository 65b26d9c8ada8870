-- What was found when each backup was last verified: the next ones take those that were looked at longest ago.
CREATE TABLE projected_looks (
  backup_id TEXT PRIMARY KEY,
  event INTEGER NOT NULL,
  looked_at TEXT NOT NULL,
  verdict TEXT NOT NULL,
  reason TEXT NOT NULL
) WITHOUT ROWID;
