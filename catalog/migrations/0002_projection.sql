-- What the views read: kept in the same transaction as each append, and made again from the events at any time.
CREATE TABLE projected_backups (
  sequence INTEGER PRIMARY KEY,
  backup_id TEXT NOT NULL UNIQUE,
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'running',
  engine TEXT,
  path TEXT,
  shape TEXT,
  slot_start TEXT,
  slot_end TEXT,
  attempt INTEGER,
  forced INTEGER,
  process TEXT,
  host TEXT NOT NULL,
  size_bytes INTEGER,
  plain_bytes INTEGER,
  sha256 TEXT,
  plain_sha256 TEXT,
  metadata_sha256 TEXT,
  compression TEXT,
  consistent INTEGER,
  gaps INTEGER,
  rows INTEGER,
  rows_exact INTEGER,
  schema_hash TEXT,
  started_at TEXT NOT NULL,
  dumped_at TEXT,
  checksummed_at TEXT,
  finished_at TEXT,
  duration_seconds REAL,
  verified_at TEXT,
  drilled_at TEXT,
  pruned_at TEXT,
  held INTEGER NOT NULL DEFAULT 0,
  code TEXT,
  message TEXT,
  hint TEXT
);

CREATE INDEX projected_backups_by_state ON projected_backups (state, sequence);

CREATE INDEX projected_backups_by_instance ON projected_backups (instance, sequence);

CREATE INDEX projected_backups_by_database ON projected_backups (instance, database, sequence);

CREATE INDEX projected_backups_newest ON projected_backups (instance, database, state, sequence);

CREATE TABLE projected_databases (
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  present INTEGER,
  good_sequence INTEGER,
  kept_count INTEGER NOT NULL DEFAULT 0,
  kept_bytes INTEGER NOT NULL DEFAULT 0,
  last_failure_at TEXT,
  last_failure_code TEXT,
  last_failure_message TEXT,
  PRIMARY KEY (instance, database)
) WITHOUT ROWID;

CREATE TABLE projected_instances (
  instance TEXT PRIMARY KEY,
  discovered_event INTEGER NOT NULL,
  discovered_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE projected_restores (
  sequence INTEGER PRIMARY KEY,
  restore_id TEXT NOT NULL UNIQUE,
  run_id TEXT,
  backup_id TEXT,
  instance TEXT,
  database TEXT,
  target_instance TEXT,
  target_database TEXT,
  state TEXT NOT NULL DEFAULT 'running',
  staging TEXT,
  retired TEXT,
  source_path TEXT,
  requested TEXT,
  process TEXT,
  host TEXT NOT NULL,
  actor TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  duration_seconds REAL,
  rows INTEGER,
  plain_bytes INTEGER,
  code TEXT,
  message TEXT,
  hint TEXT,
  left_behind TEXT
);

CREATE INDEX projected_restores_by_state ON projected_restores (state, sequence);

CREATE INDEX projected_restores_by_backup ON projected_restores (backup_id, state);

CREATE TABLE projected_runs (
  sequence INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  command TEXT,
  version TEXT,
  environment TEXT,
  config_path TEXT,
  host TEXT NOT NULL,
  actor TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  exit_status INTEGER,
  results TEXT
);

CREATE TABLE projected_tasks (task TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;

CREATE TRIGGER projected_backups_know_their_database AFTER INSERT ON projected_backups
BEGIN
  INSERT OR IGNORE INTO projected_databases (instance, database) VALUES (new.instance, new.database);
END;

CREATE TRIGGER projected_backups_are_counted AFTER UPDATE OF state, size_bytes ON projected_backups
WHEN old.state = 'good' OR new.state = 'good'
BEGIN
  UPDATE projected_databases
  SET
    kept_count = kept_count + (new.state = 'good') - (old.state = 'good'),
    kept_bytes = kept_bytes
      + CASE WHEN new.state = 'good' THEN coalesce(new.size_bytes, 0) ELSE 0 END
      - CASE WHEN old.state = 'good' THEN coalesce(old.size_bytes, 0) ELSE 0 END,
    good_sequence = (
      SELECT sequence FROM projected_backups
      WHERE instance = new.instance AND database = new.database AND state = 'good'
      ORDER BY sequence DESC LIMIT 1
    )
  WHERE instance = new.instance AND database = new.database;
END;
