SELECT format('%s on %s', quote_ident(conname), CASE WHEN conrelid <> 0 THEN conrelid::regclass::text ELSE format_type(contypid, NULL) END),
  json_build_object('definition', pg_get_constraintdef(oid), 'valid', convalidated, 'local', conislocal)
FROM pg_constraint WHERE connamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') AND contype <> 't'
