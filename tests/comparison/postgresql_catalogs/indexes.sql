SELECT indexrelid::regclass::text, json_build_object('definition', pg_get_indexdef(indexrelid), 'clustered', indisclustered, 'valid', indisvalid, 'identity', indisreplident)
FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'pg_toast')
