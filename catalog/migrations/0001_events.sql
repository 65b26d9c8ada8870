-- The one table of facts. Statements are separated by empty lines.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  catalog_id TEXT NOT NULL,
  position INTEGER NOT NULL CHECK (typeof(position) = 'integer' AND position > 0),
  event_id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  type TEXT NOT NULL,
  run_id TEXT,
  backup_id TEXT,
  instance TEXT,
  database TEXT,
  host TEXT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT NOT NULL CHECK (json_valid(data)),
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (catalog_id, position)
);

CREATE INDEX events_by_backup ON events (backup_id) WHERE backup_id IS NOT NULL;

CREATE INDEX events_by_run ON events (run_id) WHERE run_id IS NOT NULL;

CREATE INDEX events_by_type ON events (type, instance, database);

CREATE INDEX events_by_database ON events (instance, database) WHERE instance IS NOT NULL;

CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'the catalog is append-only: an event never changes');
END;

CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'the catalog is append-only: an event is never removed');
END;

-- INSERT OR REPLACE slips past a delete trigger on connections without recursive_triggers.
CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE id = new.id)
  OR EXISTS (SELECT 1 FROM events WHERE event_id = new.event_id)
  OR EXISTS (SELECT 1 FROM events WHERE catalog_id = new.catalog_id AND position = new.position)
BEGIN
  SELECT RAISE(ABORT, 'the catalog is append-only: an event is never replaced');
END;

CREATE TRIGGER events_keep_one_line BEFORE INSERT ON events
WHEN new.position <> 1 + coalesce((SELECT max(position) FROM events WHERE catalog_id = new.catalog_id), 0)
  OR (new.position > 1 AND new.prev_hash IS NOT (
    SELECT hash FROM events WHERE catalog_id = new.catalog_id AND position = new.position - 1
  ))
BEGIN
  SELECT RAISE(ABORT, 'the catalog is one line: an event follows the last one of its chain');
END;

-- What this file knows of itself: its catalog_id, and the digest of the views that were made in it.
CREATE TABLE catalog_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
