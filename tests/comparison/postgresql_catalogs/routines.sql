SELECT p.oid::regprocedure::text, json_build_object('owner', pg_get_userbyid(proowner),
  'grants', ARRAY(SELECT x::text FROM unnest(coalesce(proacl, acldefault('f', proowner))) x ORDER BY 1),
  'definition', CASE prokind WHEN 'a' THEN (SELECT concat_ws(' ', aggtransfn, aggfinalfn, aggcombinefn, format_type(aggtranstype, NULL), agginitval, aggsortop::regoperator) FROM pg_aggregate WHERE aggfnoid = p.oid)
    ELSE pg_get_functiondef(p.oid) END)
FROM pg_proc p WHERE pronamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
