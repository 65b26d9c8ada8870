SELECT format('%s %s', o.type, o.identity), to_json(description) FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o
WHERE objoid >= 16384 OR (classoid = 'pg_namespace'::regclass AND o.identity = 'public')
