-- Of each job of the schedule, the newest event that a timer started it, came at all, and that a run of it was missed.
CREATE TABLE projected_jobs (
  origin TEXT NOT NULL DEFAULT '',
  job TEXT NOT NULL,
  started_event INTEGER,
  scheduled_event INTEGER,
  missed_event INTEGER,
  PRIMARY KEY (job, origin)
) WITHOUT ROWID;
