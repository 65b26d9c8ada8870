SELECT format('%s on %s', quote_ident(tgname), tgrelid::regclass), json_build_object('definition', pg_get_triggerdef(oid), 'enabled', tgenabled) FROM pg_trigger WHERE NOT tgisinternal
