SELECT format('%s on %s', quote_ident(polname), polrelid::regclass), json_build_object('command', polcmd, 'permissive', polpermissive,
  'roles', ARRAY(SELECT CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role) END FROM unnest(polroles) role ORDER BY 1),
  'using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
