SELECT format('%s.%s', connamespace::regnamespace, quote_ident(conname)), json_build_object('owner', pg_get_userbyid(conowner), 'from', pg_encoding_to_char(conforencoding),
  'to', pg_encoding_to_char(contoencoding), 'function', conproc::text, 'default', condefault) FROM pg_conversion WHERE connamespace::regnamespace::text <> 'pg_catalog'
