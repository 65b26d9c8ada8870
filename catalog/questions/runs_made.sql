-- title: Runs of the program, by whom, and how they ended
-- about: Every invocation that did something in the period; without an end it was cut off, or is still at work.
-- serves: ISO 27001:2022 A.8.15, A.8.13; SOC 2 CC7.2, A1.2; GDPR art. 32 (1) b, LGPD art. 46
-- parameter from: the first day, such as 2026-01-01, or a moment in UTC; default: the beginning
-- parameter to: the last day, which is all of it, or a moment in UTC; default: now
-- parameter host: the host that it ran on; default: every host
-- parameter limit: how many rows at most; default: 1000, and -1 is all
SELECT
  started_at, host, actor AS run_by, command, finished_at,
  round((julianday(finished_at) - julianday(started_at)) * 86400, 3) AS duration_seconds,
  exit_status, results, environment, version, run_id
FROM projected_runs
WHERE started_at >= coalesce(:from, '')
  AND started_at <= CASE
    WHEN coalesce(:to, '') = '' THEN '9999'
    WHEN julianday(:to) IS NULL THEN ''
    WHEN length(:to) = 10 THEN date(:to, '+1 day')
    ELSE :to
  END
  AND coalesce(:host, '') IN ('', host)
ORDER BY sequence DESC
LIMIT coalesce(nullif(:limit, ''), 1000)
