-- When a backup became good, how large its database was before, and which file was read back then.
CREATE TABLE projected_good (
  backup_id TEXT PRIMARY KEY,
  good_event INTEGER NOT NULL,
  before_bytes INTEGER,
  inode INTEGER,
  modified_ns INTEGER
) WITHOUT ROWID;

-- Of each database, the event that stops its pruning, and the last time that someone looked at what stopped it.
CREATE TABLE projected_alarms (
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  trouble_event INTEGER,
  looked_event INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (instance, database)
) WITHOUT ROWID;

-- Pruned backups whose files may still be there: empty but for what is being pruned, or was cut off in between.
CREATE TABLE projected_prunes (
  sequence INTEGER PRIMARY KEY,
  backup_id TEXT NOT NULL UNIQUE
);
