SELECT m.oid::text, json_build_object('owner', pg_get_userbyid(lomowner), 'grants', ARRAY(SELECT a::text FROM unnest(coalesce(lomacl, acldefault('L', lomowner))) a ORDER BY 1),
  'size', length(content), 'md5', md5(content), 'comment', obj_description(m.oid, 'pg_largeobject')) FROM pg_largeobject_metadata m, lo_get(m.oid) content
