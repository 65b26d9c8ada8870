SELECT pubname, json_build_object('owner', pg_get_userbyid(pubowner), 'all', puballtables, 'publishes', ARRAY[pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot],
  'tables', ARRAY(SELECT concat_ws(' ', prrelid::regclass, prattrs::text, pg_get_expr(prqual, prrelid)) FROM pg_publication_rel WHERE prpubid = p.oid ORDER BY 1),
  'schemas', ARRAY(SELECT pnnspid::regnamespace::text FROM pg_publication_namespace WHERE pnpubid = p.oid ORDER BY 1)) FROM pg_publication p
