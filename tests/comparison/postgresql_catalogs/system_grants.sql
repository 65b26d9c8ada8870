SELECT c.oid::regclass::text, to_json(ARRAY(SELECT a::text FROM unnest(relacl) a ORDER BY 1))
FROM pg_class c LEFT JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0
WHERE relnamespace::regnamespace::text IN ('pg_catalog', 'information_schema') AND relacl IS NOT NULL
  AND ARRAY(SELECT a::text FROM unnest(relacl) a ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT a::text FROM unnest(initprivs) a ORDER BY 1)
