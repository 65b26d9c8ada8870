SELECT 'wrapper ' || fdwname, json_build_object('owner', pg_get_userbyid(fdwowner), 'options', fdwoptions, 'handler', nullif(fdwhandler, 0)::regproc::text,
  'grants', ARRAY(SELECT a::text FROM unnest(coalesce(fdwacl, acldefault('F', fdwowner))) a ORDER BY 1)) FROM pg_foreign_data_wrapper
UNION ALL
SELECT 'server ' || srvname, json_build_object('owner', pg_get_userbyid(srvowner), 'type', srvtype, 'version', srvversion, 'options', srvoptions, 'wrapper', fdwname,
  'grants', ARRAY(SELECT a::text FROM unnest(coalesce(srvacl, acldefault('S', srvowner))) a ORDER BY 1)) FROM pg_foreign_server JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw
UNION ALL
SELECT format('mapping of %s on %s', usename, srvname), to_json(umoptions) FROM pg_user_mappings
