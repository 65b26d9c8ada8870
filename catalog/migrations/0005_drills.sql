-- Drills that began and did not end: at work, or cut off. Their backups are not pruned while the process lives.
CREATE TABLE projected_drills (
  sequence INTEGER PRIMARY KEY,
  backup_id TEXT NOT NULL,
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  host TEXT NOT NULL,
  process TEXT NOT NULL,
  target_instance TEXT NOT NULL,
  UNIQUE (backup_id, host)
);
