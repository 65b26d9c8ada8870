-- What only MySQL has.
SET NAMES utf8mb4;
CREATE TABLE only_mysql (
  id binary(16) NOT NULL DEFAULT (uuid_to_bin(uuid())) PRIMARY KEY, doc json, tags json DEFAULT (json_array()),
  place point SRID 4326, n int, m int GENERATED ALWAYS AS (n * 2) VIRTUAL INVISIBLE,
  CONSTRAINT not_checked CHECK (n > 0) NOT ENFORCED,
  KEY by_expression ((CAST(doc->>'$.name' AS char(50)) COLLATE utf8mb4_bin)), KEY backwards (n DESC), KEY unseen (n) INVISIBLE,
  KEY many ((CAST(tags->'$[*]' AS unsigned ARRAY)))
) COLLATE utf8mb4_0900_ai_ci;
INSERT INTO only_mysql (id, doc, tags, place, n) SELECT unhex(left(sha2(n, 256), 32)), json_object('name', concat('N', n)), json_array(n, n + 1), ST_SRID(point(n / 10, n / 20), 4326), n - 5 FROM numbers WHERE n <= 100;
ANALYZE TABLE only_mysql UPDATE HISTOGRAM ON n WITH 8 BUCKETS;
SET DEFAULT ROLE harbour_reader TO 'harbour_clerk'@'%';
