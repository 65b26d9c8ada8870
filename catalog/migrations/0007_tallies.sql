-- What ever happened, counted: `instance` and `label` are empty where they say nothing. Metrics read it in one look.
CREATE TABLE projected_tallies (
  origin TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  instance TEXT NOT NULL,
  label TEXT NOT NULL,
  number REAL NOT NULL,
  PRIMARY KEY (name, instance, label, origin)
) WITHOUT ROWID;

-- Of each database, when a backup of it last passed a verification and a drill, and how its newest drill ended.
CREATE TABLE projected_proofs (
  origin TEXT NOT NULL DEFAULT '',
  instance TEXT NOT NULL,
  database TEXT NOT NULL,
  verified_at TEXT,
  proved_at TEXT,
  drilled_at TEXT,
  drill_verdict TEXT,
  drill_reason TEXT,
  PRIMARY KEY (instance, database, origin)
) WITHOUT ROWID;
