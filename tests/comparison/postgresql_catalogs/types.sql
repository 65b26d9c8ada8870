SELECT format_type(t.oid, NULL), json_build_object('kind', typtype, 'owner', pg_get_userbyid(typowner), 'length', typlen,
  'grants', ARRAY(SELECT a::text FROM unnest(coalesce(typacl, acldefault('T', typowner))) a ORDER BY 1),
  'labels', ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
  'base', CASE WHEN typtype = 'd' THEN format_type(typbasetype, typtypmod) END, 'not null', typnotnull, 'default', typdefault,
  'collation', nullif(typcollation, 0)::regcollation::text, 'input', typinput::regproc::text, 'output', typoutput::regproc::text,
  'attributes', CASE WHEN typtype = 'c' THEN ARRAY(SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) END,
  'range', (SELECT json_build_object('of', format_type(rngsubtype, NULL), 'difference', rngsubdiff::text, 'multirange', format_type(rngmultitypid, NULL)) FROM pg_range WHERE rngtypid = t.oid))
FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid
WHERE typnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND (typrelid = 0 OR c.relkind = 'c') AND NOT (typcategory = 'A' AND typelem <> 0)
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = t.oid AND deptype = 'e')
