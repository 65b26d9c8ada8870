SELECT c.oid::regclass::text, json_build_object('kind', relkind, 'owner', pg_get_userbyid(relowner), 'persistence', relpersistence, 'options', reloptions,
  'grants', ARRAY(SELECT a::text FROM unnest(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) a ORDER BY 1),
  'row security', ARRAY[relrowsecurity, relforcerowsecurity], 'replica identity', relreplident, 'populated', relispopulated,
  'access method', (SELECT amname FROM pg_am WHERE oid = relam), 'of type', CASE WHEN reloftype <> 0 THEN format_type(reloftype, NULL) END,
  'partition', pg_get_expr(relpartbound, c.oid), 'partitioned by', CASE WHEN relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
  'parents', ARRAY(SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid ORDER BY inhseqno),
  'view', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
  'foreign', (SELECT json_build_object('server', srvname, 'options', ftoptions) FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver WHERE ftrelid = c.oid),
  'columns', (SELECT json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'not null', attnotnull, 'identity', attidentity, 'generated', attgenerated,
      'default', pg_get_expr(adbin, adrelid), 'collation', nullif(attcollation, 0)::regcollation::text, 'storage', attstorage, 'statistics', nullif(attstattarget, -1),
      'local', attislocal, 'options', attfdwoptions, 'grants', ARRAY(SELECT a::text FROM unnest(attacl) a ORDER BY 1)) ORDER BY attnum)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped))
FROM pg_class c
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND relnamespace::regnamespace::text !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
