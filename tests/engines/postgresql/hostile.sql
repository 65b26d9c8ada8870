-- Every object kind that pg_dump writes, under hostile names, with bodies and rows that imitate pg_dump's own comments.
CREATE SCHEMA "Ünï ""q"" sch";
CREATE SCHEMA "a; Type: TABLE; Schema: b";
CREATE SCHEMA empty_one;
CREATE TYPE mood AS ENUM ('sad', 'o''k', 'he said "hi"; -- no');
CREATE TYPE "Ünï ""q"" sch".pair AS (a int, "b c" text);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TYPE shell_only;
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE COLLATION german (locale = 'C');
CREATE CONVERSION myconv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm SCHEMA "Ünï ""q"" sch";
CREATE EXTENSION file_fdw;

CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text DEFAULT 'it''s', m mood, h hstore, b bytea,
  twice int GENERATED ALWAYS AS (1 + 1) STORED, u text UNIQUE, CONSTRAINT "chk; --" CHECK (note <> ''));
CREATE TABLE "odd ""name""
-- Name: f; Type: TABLE; Schema: s; Owner: o
--" (id serial, "col
umn" text, n numeric);
CREATE TABLE "-dash; Type: VIEW; Schema: public; Owner: x" (id int);
CREATE TABLE "x FROM stdin;" (v text);
CREATE TABLE "a; Type: TABLE; Schema: b"."t.t" (v text REFERENCES plain (u));
CREATE TABLE "Ünï ""q"" sch"."täble" (LIKE plain);
CREATE TABLE nocols ();
CREATE UNLOGGED TABLE unlogged_one (v int);
CREATE TABLE parted (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (MAXVALUE);
CREATE TABLE hashed (m mood, v int) PARTITION BY HASH (m);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 1);
CREATE INDEX parted_v ON parted (v);
CREATE TABLE fk_to_parted (k int REFERENCES parted, w int CHECK (w > 0));
CREATE TABLE parent (a int);
CREATE TABLE child (b int) INHERITS (parent);
CREATE TABLE exclusive (during tsrange, EXCLUDE USING gist (during WITH &&));
CREATE INDEX "an index; --" ON plain (lower(note)) WHERE note <> 'a;b';
CREATE STATISTICS stat_one (dependencies) ON id, note FROM plain;

CREATE SEQUENCE free_seq START 5 INCREMENT 5 MAXVALUE 1000;
CREATE SEQUENCE descending INCREMENT -1;
CREATE SEQUENCE "Seq's ""x""";
SELECT nextval('free_seq'), nextval('free_seq'), nextval('descending'), setval('"Seq''s ""x"""', 77, false);

CREATE FUNCTION tricky(a int DEFAULT 3, b text DEFAULT 'x; y', VARIADIC c mood[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  -- don't stop at one quote: ' or at "
  RETURN $q$;
--
-- Name: fake_in_body; Type: TABLE; Schema: public; Owner: postgres
--

COPY public.fake_in_body (a) FROM stdin;
\.
-- PostgreSQL database dump complete
$q$;
END
$body$;
CREATE FUNCTION atomic_one(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 1 AS more; SELECT $1 AS one; END;
CREATE FUNCTION takes_table("Ünï ""q"" sch".pair, parent) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE proc_one(INOUT a int) LANGUAGE plpgsql AS 'BEGIN a := a + 1; END';
CREATE AGGREGATE agg_star(*) (sfunc = int8inc, stype = int8, initcond = '0');

CREATE FUNCTION agg_step(text, text, mood) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE AGGREGATE agg_text(text, mood) (sfunc = agg_step, stype = text);
CREATE FUNCTION mood_same(mood, mood) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR === (leftarg = mood, rightarg = mood, function = mood_same);
CREATE OPERATOR FAMILY lone_family USING btree;
CREATE OPERATOR CLASS int_class FOR TYPE posint USING btree AS OPERATOR 1 = (int, int), FUNCTION 1 btint4cmp(int, int);
CREATE FUNCTION mood_to_int(mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE CAST (mood AS int) WITH FUNCTION mood_to_int(mood);
CREATE TEXT SEARCH DICTIONARY dict_one (template = simple, stopwords = 'english');
CREATE TEXT SEARCH CONFIGURATION config_one (COPY = simple);
CREATE ACCESS METHOD heap_again TYPE TABLE HANDLER heap_tableam_handler;
CREATE FOREIGN DATA WRAPPER wrap_one OPTIONS (debug 'it''s; \x');
CREATE SERVER server_one FOREIGN DATA WRAPPER wrap_one OPTIONS (host 'nowhere; ''x');
CREATE USER MAPPING FOR PUBLIC SERVER server_one OPTIONS ("user" 'u');
CREATE FOREIGN TABLE far_away (v int) SERVER server_one;
CREATE FUNCTION handle() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION validate(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE LANGUAGE plagain HANDLER handle VALIDATOR validate;
CREATE TEXT SEARCH PARSER parser_one (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE template_one (init = dsimple_init, lexize = dsimple_lexize);

CREATE VIEW view_one AS SELECT id, note, E'back\\slash ''q''; -- x' AS s FROM plain;
CREATE VIEW loop_a AS SELECT 1 AS x;
CREATE VIEW loop_b AS SELECT x FROM loop_a;
CREATE OR REPLACE VIEW loop_a AS SELECT x FROM loop_b WHERE false;
CREATE MATERIALIZED VIEW mat_one AS SELECT k, v FROM parted WITH DATA;
CREATE MATERIALIZED VIEW mat_empty AS SELECT 1 AS one WITH NO DATA;
CREATE UNIQUE INDEX mat_k ON mat_one (k);
CREATE RULE "rule; one" AS ON INSERT TO view_one DO INSTEAD INSERT INTO plain (note) VALUES (NEW.note);
CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "trig ""q""" BEFORE INSERT ON plain FOR EACH ROW WHEN (NEW.note = 'a;''b') EXECUTE FUNCTION trig('arg; ''x');
CREATE TRIGGER on_parted AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION trig();
ALTER TABLE parted_2 DISABLE TRIGGER on_parted;
CREATE POLICY pol_one ON plain FOR SELECT USING (note <> 'secret;');
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION evt() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER evt_one ON ddl_command_end EXECUTE FUNCTION evt();
CREATE PUBLICATION pub_one FOR TABLE plain, parted;
CREATE PUBLICATION pub_schema FOR TABLES IN SCHEMA "Ünï ""q"" sch";
CREATE PUBLICATION pub_all FOR ALL TABLES;
CREATE SUBSCRIPTION sub_one CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false);
CREATE TRANSFORM FOR mood LANGUAGE plpgsql (FROM SQL WITH FUNCTION prsd_lextype(internal));

INSERT INTO plain (note, m, h, b, u) SELECT 'row ' || i, 'sad', 'a=>1', '\x00ff', 'u' || i FROM generate_series(1, 1000) i;
INSERT INTO plain (note, u) VALUES (E'\n--\n-- Name: fake_in_rows; Type: TABLE; Schema: public; Owner: postgres\n--\n', 'v'), (E'\\.', 'w'), (E'tab\tback\\', 'x');
INSERT INTO "odd ""name""
-- Name: f; Type: TABLE; Schema: s; Owner: o
--" VALUES (DEFAULT, E'\\.', 'NaN'), (DEFAULT, NULL, 1.50);
INSERT INTO "x FROM stdin;" VALUES (E'\\.'), ('\'), (''), (NULL), (E'a\n\\.\nb');
INSERT INTO "a; Type: TABLE; Schema: b"."t.t" VALUES ('u1');
INSERT INTO nocols DEFAULT VALUES;
INSERT INTO nocols DEFAULT VALUES;
INSERT INTO unlogged_one VALUES (1);
INSERT INTO parted SELECT i, 'v' || i FROM generate_series(1, 150) i;
INSERT INTO hashed VALUES ('sad', 1), ('o''k', 2), (NULL, 3);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 2), (3, 4);
REFRESH MATERIALIZED VIEW mat_one;
SELECT lo_from_bytea(0, '\x00270a2d2d'), lo_from_bytea(0, repeat('x', 100000)::bytea), lo_create(0);

COMMENT ON TABLE plain IS E'it''s a\n--\n-- Name: fake_in_comment; Type: TABLE; Schema: public; Owner: x\n--\n';
COMMENT ON COLUMN plain.note IS $$multi
line$$;
GRANT SELECT ON plain TO PUBLIC;
GRANT SELECT (k) ON parted TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
