SELECT format('%s on %s', quote_ident(rulename), ev_class::regclass), json_build_object('definition', pg_get_ruledef(r.oid), 'enabled', ev_enabled)
FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') AND rulename <> '_RETURN'
