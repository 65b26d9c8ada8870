SELECT c.oid::regcollation::text, to_jsonb(c) - '{oid,collnamespace,collowner,collversion}'::text[] || jsonb_build_object('owner', pg_get_userbyid(collowner))
FROM pg_collation c WHERE collnamespace::regnamespace::text <> 'pg_catalog'
