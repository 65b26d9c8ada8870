SELECT 'properties', json_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
  'provider', datlocprovider, 'owner', pg_get_userbyid(datdba), 'limit', datconnlimit, 'connections', datallowconn, 'template', datistemplate,
  'comment', shobj_description(oid, 'pg_database'))
FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT 'grants', to_json(ARRAY(SELECT a::text FROM unnest(coalesce(datacl, acldefault('d', datdba))) a ORDER BY 1)) FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT 'setting for ' || coalesce(r.rolname, 'everyone') || ': ' || split_part(entry, '=', 1), to_json(entry)
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) entry
WHERE d.datname = current_database()
