-- Accounts of the harbour office; they belong to the server, not to the database. Running it twice changes nothing.
SELECT format('CREATE ROLE %I %s', name, options) FROM (VALUES
  ('harbour_owner', 'NOLOGIN'),
  ('harbour_clerk', 'LOGIN PASSWORD ''clerk #1'''),
  ('harbour_auditor', 'NOLOGIN'),
  ('harbour_archive', 'NOLOGIN'),
  ('Ole "the quay" O''Neil', 'LOGIN PASSWORD ''%q\ü''')) AS wanted(name, options)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
GRANT harbour_auditor TO harbour_clerk;
