SELECT nspname, json_build_object('owner', pg_get_userbyid(nspowner), 'grants', ARRAY(SELECT a::text FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) a ORDER BY 1))
FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
