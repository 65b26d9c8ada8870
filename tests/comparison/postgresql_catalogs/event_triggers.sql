SELECT evtname, json_build_object('owner', pg_get_userbyid(evtowner), 'event', evtevent, 'function', evtfoid::regprocedure::text, 'enabled', evtenabled, 'tags', evttags) FROM pg_event_trigger
