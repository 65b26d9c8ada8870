-- Whose chain it is, in a catalog that was merged from those of several hosts. Empty in any other: the live catalog of
-- a host and its published copy. `origin` is '' there, and the name of the host in a merged one, where two hosts may
-- have an instance of the same id. The tables below are made again from the events.
CREATE TABLE origins (catalog_id TEXT PRIMARY KEY, host TEXT NOT NULL) WITHOUT ROWID;

DROP TABLE projected_backups;

DROP TABLE projected_databases;

DROP TABLE projected_instances;

DROP TABLE projected_restores;

DROP TABLE projected_runs;

DROP TABLE projected_tasks;

DROP TABLE projected_alarms;

DROP TABLE projected_drills;

CREATE TABLE projected_backups (
  sequence INTEGER PRIMARY KEY,
  backup_id TEXT NOT NULL UNIQUE,
  origin TEXT NOT NULL DEFAULT '',
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

CREATE INDEX projected_backups_newest ON projected_backups (instance, database, state, sequence, origin);

CREATE TABLE projected_databases (
  origin TEXT NOT NULL DEFAULT '',
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  present INTEGER,
  good_sequence INTEGER,
  kept_count INTEGER NOT NULL DEFAULT 0,
  kept_bytes INTEGER NOT NULL DEFAULT 0,
  last_failure_at TEXT,
  last_failure_code TEXT,
  last_failure_message TEXT,
  PRIMARY KEY (instance, database, origin)
) WITHOUT ROWID;

CREATE TABLE projected_instances (
  origin TEXT NOT NULL DEFAULT '',
  instance TEXT NOT NULL,
  discovered_event INTEGER NOT NULL,
  discovered_at TEXT NOT NULL,
  PRIMARY KEY (instance, origin)
) WITHOUT ROWID;

CREATE TABLE projected_restores (
  sequence INTEGER PRIMARY KEY,
  restore_id TEXT NOT NULL UNIQUE,
  origin TEXT NOT NULL DEFAULT '',
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
  origin TEXT NOT NULL DEFAULT '',
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

CREATE TABLE projected_tasks (
  origin TEXT NOT NULL DEFAULT '',
  task TEXT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (task, origin)
) WITHOUT ROWID;

CREATE TRIGGER projected_backups_know_their_database AFTER INSERT ON projected_backups
BEGIN
  INSERT OR IGNORE INTO projected_databases (origin, instance, database)
  VALUES (new.origin, new.instance, new.database);
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
      WHERE instance = new.instance AND database = new.database AND origin = new.origin AND state = 'good'
      ORDER BY sequence DESC LIMIT 1
    )
  WHERE instance = new.instance AND database = new.database AND origin = new.origin;
END;

CREATE TABLE projected_alarms (
  origin TEXT NOT NULL DEFAULT '',
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  trouble_event INTEGER,
  looked_event INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (instance, database, origin)
) WITHOUT ROWID;

CREATE TABLE projected_drills (
  sequence INTEGER PRIMARY KEY,
  backup_id TEXT NOT NULL,
  origin TEXT NOT NULL DEFAULT '',
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  host TEXT NOT NULL,
  process TEXT NOT NULL,
  target_instance TEXT NOT NULL,
  UNIQUE (backup_id, host)
);
