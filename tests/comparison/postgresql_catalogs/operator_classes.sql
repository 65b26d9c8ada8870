SELECT format('%s.%s using %s', f.opfnamespace::regnamespace, quote_ident(f.opfname), amname), json_build_object('owner', pg_get_userbyid(opfowner),
  'classes', ARRAY(SELECT concat_ws(' ', opcname, opcintype::regtype, opcdefault) FROM pg_opclass WHERE opcfamily = f.oid ORDER BY 1),
  'operators', ARRAY(SELECT concat_ws(' ', amopstrategy, amopopr::regoperator) FROM pg_amop WHERE amopfamily = f.oid ORDER BY 1),
  'functions', ARRAY(SELECT concat_ws(' ', amprocnum, amproc::regprocedure) FROM pg_amproc WHERE amprocfamily = f.oid ORDER BY 1))
FROM pg_opfamily f JOIN pg_am a ON a.oid = opfmethod WHERE opfnamespace::regnamespace::text <> 'pg_catalog'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_opfamily'::regclass AND objid = f.oid AND deptype = 'e')
