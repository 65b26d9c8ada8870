SELECT 'configuration ' || c.oid::regconfig::text, json_build_object('owner', pg_get_userbyid(cfgowner), 'parser', cfgparser,
  'mapping', ARRAY(SELECT concat_ws(' ', maptokentype, mapseqno, mapdict::regdictionary) FROM pg_ts_config_map WHERE mapcfg = c.oid ORDER BY maptokentype, mapseqno))
FROM pg_ts_config c WHERE cfgnamespace::regnamespace::text <> 'pg_catalog'
UNION ALL
SELECT 'dictionary ' || d.oid::regdictionary::text, json_build_object('owner', pg_get_userbyid(dictowner), 'template', dicttemplate, 'options', dictinitoption)
FROM pg_ts_dict d WHERE dictnamespace::regnamespace::text <> 'pg_catalog'
