SELECT format('%s as %s', castsource::regtype, casttarget::regtype), json_build_object('function', nullif(castfunc, 0)::regprocedure::text, 'context', castcontext, 'method', castmethod)
FROM pg_cast c WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_cast'::regclass AND objid = c.oid AND deptype = 'e')
