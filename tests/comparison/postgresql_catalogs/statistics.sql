SELECT format('%s.%s', stxnamespace::regnamespace, quote_ident(stxname)), json_build_object('owner', pg_get_userbyid(stxowner), 'definition', pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext
