SELECT format('%s.%s', quote_ident(schemaname), quote_ident(sequencename)), json_build_object('last', last_value, 'type', data_type::text, 'start', start_value, 'min', min_value, 'max', max_value,
  'increment', increment_by, 'cycle', cycle, 'cache', cache_size) FROM pg_sequences
