SELECT extname, json_build_object('schema', extnamespace::regnamespace::text, 'version', extversion) FROM pg_extension
