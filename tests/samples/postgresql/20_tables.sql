-- Tables of every make, with a few thousand rows.
CREATE SEQUENCE harbour.invoice_number AS bigint START 1000 INCREMENT 7 MINVALUE 1000 MAXVALUE 9000000 CACHE 1 CYCLE;
COMMENT ON SEQUENCE harbour.invoice_number IS 'gaps are allowed';
CREATE SEQUENCE harbour.untouched START -5 INCREMENT -1 MINVALUE -100 MAXVALUE -1;

CREATE TABLE harbour.customer (
  id integer GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10) PRIMARY KEY,
  name text COLLATE harbour.byte_order NOT NULL,
  email tools.citext UNIQUE,
  traits tools.hstore DEFAULT ''::tools.hstore,
  parent integer REFERENCES harbour.customer DEFERRABLE INITIALLY DEFERRED,
  since date DEFAULT CURRENT_DATE,
  secret text,
  search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name)) STORED,
  CONSTRAINT "name isn't blank" CHECK (btrim(name) <> '') NO INHERIT
);
COMMENT ON TABLE harbour.customer IS 'who pays';
COMMENT ON COLUMN harbour.customer.traits IS E'tab\there, backslash \\, quote '' and "double"';
COMMENT ON CONSTRAINT "name isn't blank" ON harbour.customer IS 'blank names broke the invoices';
INSERT INTO harbour.customer (name, email, traits, since, secret)
SELECT 'Kunde ' || n || CASE n % 5 WHEN 0 THEN ' 😀' WHEN 1 THEN E'\t\\N' WHEN 2 THEN E'\nzweite Zeile' ELSE '' END,
  'Kunde' || n || '@Example.ORG', tools.hstore('rank', n::text) OPERATOR(tools.||) tools.hstore('nul=>l', NULL), date '2020-01-01' + n, md5(n::text)
FROM generate_series(1, 900) AS n;
UPDATE harbour.customer SET parent = id - 10 WHERE id > 100 AND id % 30 = 0;

CREATE TABLE harbour.ship (
  imo harbour.imo PRIMARY KEY, name text NOT NULL, deadweight harbour.tonnage, home harbour.position,
  ports text[][] DEFAULT '{}', flown harbour.flag, owner integer REFERENCES harbour.customer ON DELETE SET NULL ON UPDATE CASCADE
) WITH (fillfactor = 80);
INSERT INTO harbour.ship SELECT 'IMO' || lpad(n::text, 7, '0'), 'MS "' || n || '"', n * 1.125,
  ROW(53 + n / 1000.0, 9 + n / 700.0, 'it''s, (here) "n"')::harbour.position, ARRAY[ARRAY['Kiel', 'Łódź'], ARRAY[NULL, '{"}']],
  ('flag ' || n)::text::harbour.flag, 100 + (n % 90) * 10
FROM generate_series(1, 400) AS n;

CREATE TABLE harbour.berth (number smallint PRIMARY KEY, state harbour.berth_state NOT NULL DEFAULT 'free', depth real, width double precision);
INSERT INTO harbour.berth VALUES (1, 'free', 'NaN', 'Infinity'), (2, 'it''s taken', 1e-37, 1.7976931348623157e308),
  (3, 'außer Betrieb', 16777216, 4.9e-324), (4, 'dredging', '-0', '-Infinity'), (-5, 'reserved', 0.1, 0.30000000000000004);
CREATE TABLE harbour.reservation (
  berth smallint REFERENCES harbour.berth, during tstzrange NOT NULL, hours harbour.shift, days int4multirange,
  EXCLUDE USING gist (berth WITH =, during WITH &&) WHERE (berth > 0)
);
INSERT INTO harbour.reservation SELECT 1 + n % 3, tstzrange(timestamptz '2026-01-01 00:00+00' + n * interval '1 day', timestamptz '2026-01-01 12:00+00' + n * interval '1 day'),
  harbour.shift(time '06:00', time '14:00'), int4multirange(int4range(n, n + 2), int4range(n + 5, n + 6)) FROM generate_series(1, 200) AS n;

-- Every scalar that has a trap in it.
CREATE TABLE harbour."all types" (
  id bigserial PRIMARY KEY, bits bit(5), varying bit varying, raw bytea, money_ money, moment timestamptz, wall timestamp(3),
  span interval, tz timetz, addr inet, net cidr, mac macaddr8, doc json, docb jsonb, xml_ xml, uid uuid, pt point, poly polygon,
  tsq tsquery, big numeric, small numeric(3,-2), c "char", fixed char(4), nm name, lsn pg_lsn, path jsonpath
);
INSERT INTO harbour."all types" (bits, varying, raw, money_, moment, wall, span, tz, addr, net, mac, doc, docb, xml_, uid, pt, poly, tsq, big, small, c, fixed, nm, lsn, path) VALUES
  (B'10101', B'', '\x00ff5c275c6e', '-12.34', 'infinity', '0044-03-15 12:00:00.123 BC', '-1 year 2 mons -3 days 04:05:06.7', '04:05:06-08:30', '::1/64', '10.0.0.0/8',
   '08:00:2b:01:02:03:04:05', '{"b":1, "b":2,  "a": "\u0041"}', '{"k": [1, 1e-7, null, "ü😀"]}', '<a b="c">&amp;</a>', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
   '(1.5,-2)', '((0,0),(1,1),(1,0))', 'fat & (rat | cat:AB)', 'NaN', 12300, 'x', 'ab', 'n''m', '16/B374D848', '$.a[*] ? (@ > 3)'),
  (NULL, NULL, '\x', NULL, '-infinity', 'epoch', '0', NULL, NULL, NULL, NULL, 'null', '{}', NULL, NULL, NULL, NULL, NULL,
   12345678901234567890123456789012345678901234567890.000000000000000000000000000001, NULL, '', '', '', NULL, NULL);
INSERT INTO harbour."all types" (raw, docb) SELECT decode(md5(n::text), 'hex'), jsonb_build_object('n', n, E'a\nb', repeat('x', n % 50)) FROM generate_series(1, 500) n;
SELECT setval('harbour."all types_id_seq"', 123456, false) \g /dev/null

-- Partitions by range, list and hash, two levels deep; inheritance; unlogged; a table without columns.
CREATE TABLE harbour.movement (id bigserial, at date NOT NULL, kind text NOT NULL, weight harbour.tonnage, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE harbour.movement_2025 PARTITION OF harbour.movement FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE harbour.movement_2026 PARTITION OF harbour.movement FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE harbour."movement 2026 in" PARTITION OF harbour.movement_2026 FOR VALUES IN ('in', 'i''n');
CREATE TABLE harbour.movement_2026_rest PARTITION OF harbour.movement_2026 DEFAULT PARTITION BY HASH (id);
CREATE TABLE harbour.movement_2026_rest_0 PARTITION OF harbour.movement_2026_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE harbour.movement_2026_rest_1 PARTITION OF harbour.movement_2026_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO harbour.movement (at, kind, weight) SELECT date '2025-01-01' + n % 700, (ARRAY['in', 'out', 'i''n'])[1 + n % 3], n / 8.0 FROM generate_series(1, 3000) n;
CREATE INDEX movement_by_kind ON harbour.movement (kind, at DESC NULLS LAST) INCLUDE (weight);
CREATE TABLE harbour.note (id int PRIMARY KEY, body text);
CREATE TABLE harbour.signed_note (signer name NOT NULL) INHERITS (harbour.note);
INSERT INTO harbour.note VALUES (1, 'plain'); INSERT INTO harbour.signed_note VALUES (2, 'signed', 'ole');
CREATE UNLOGGED TABLE harbour.scratch AS SELECT n, repeat('y', 100) AS filler FROM generate_series(1, 50) n;
CREATE TABLE harbour.nothing ();
INSERT INTO harbour.nothing DEFAULT VALUES;
CREATE TABLE harbour.dropped_column (a int, gone text, b int DEFAULT 7);
ALTER TABLE harbour.dropped_column DROP COLUMN gone;
INSERT INTO harbour.dropped_column SELECT n, n * 2 FROM generate_series(1, 20) n;
CREATE TABLE harbour.typed OF harbour.position (latitude WITH OPTIONS NOT NULL);

-- Two tables that need each other.
CREATE TABLE harbour.crew (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, boss_of int);
CREATE TABLE harbour.gang (id int PRIMARY KEY, foreman int REFERENCES harbour.crew);
ALTER TABLE harbour.crew ADD CONSTRAINT crew_gang FOREIGN KEY (boss_of) REFERENCES harbour.gang NOT VALID;
INSERT INTO harbour.crew VALUES (1, NULL); INSERT INTO harbour.gang VALUES (1, 1); UPDATE harbour.crew SET boss_of = 1;

-- Names of any kind.
CREATE TABLE "-h"."a/b" ("select" int, "per%cent" text, "quo""te" text, "new
line" text, "ünïcödé 😀" text, "back`tick" text, "back\slash" text);
INSERT INTO "-h"."a/b" VALUES (1, '%s', '"', E'\r\n', '\.', '`', E'\\.');
CREATE TABLE "-h".".." (x int); INSERT INTO "-h".".." VALUES (1), (NULL);
CREATE TABLE "-h"."--" ("a b" "char");
CREATE TABLE "-h"."x23456789012345678901234567890123456789012345678901234567890123" (y int UNIQUE);
CREATE TABLE "Archive 100% / old"."it's; DROP TABLE x" (id int PRIMARY KEY, v text);
INSERT INTO "Archive 100% / old"."it's; DROP TABLE x" SELECT n, '$$' || n FROM generate_series(1, 30) n;
COMMENT ON TABLE "-h"."a/b" IS '-- PostgreSQL database dump complete
\connect template1
COPY x FROM stdin;';

-- Large objects, two owners.
SELECT lo_from_bytea(424242, decode(repeat('00ff27', 2000), 'hex')), lo_from_bytea(424243, 'x'), lo_create(424244) \g /dev/null
COMMENT ON LARGE OBJECT 424242 IS 'a scanned bill of lading';
