SELECT o.oid::regoperator::text, json_build_object('owner', pg_get_userbyid(oprowner), 'function', oprcode::regprocedure::text, 'commutator', nullif(oprcom, 0)::regoperator::text,
  'negator', nullif(oprnegate, 0)::regoperator::text, 'hashes', oprcanhash, 'merges', oprcanmerge, 'restrict', oprrest::text, 'join', oprjoin::text)
FROM pg_operator o WHERE oprnamespace::regnamespace::text <> 'pg_catalog' AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_operator'::regclass AND objid = o.oid AND deptype = 'e')
