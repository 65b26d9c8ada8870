-- Schemas, extensions, and every kind of type.
SET ROLE NONE;
CREATE SCHEMA harbour AUTHORIZATION harbour_owner;
COMMENT ON SCHEMA harbour IS 'the harbour''s business; "quoted", with a
second line';
CREATE SCHEMA "Archive 100% / old" AUTHORIZATION harbour_archive;
CREATE SCHEMA "-h";
CREATE SCHEMA tools;
CREATE EXTENSION hstore SCHEMA tools;
CREATE EXTENSION pg_trgm SCHEMA tools;
CREATE EXTENSION citext SCHEMA tools;
CREATE EXTENSION btree_gist;
CREATE EXTENSION file_fdw;
COMMENT ON EXTENSION hstore IS 'a comment of our own';

CREATE TYPE harbour.berth_state AS ENUM ('free', 'reserved', 'it''s taken', 'außer Betrieb');
ALTER TYPE harbour.berth_state ADD VALUE 'dredging' BEFORE 'reserved';
CREATE TYPE harbour.position AS (latitude numeric(9,6), longitude numeric(9,6), "note %" text);
COMMENT ON TYPE harbour.position IS 'WGS 84';
COMMENT ON COLUMN harbour.position."note %" IS 'free text';
CREATE DOMAIN harbour.tonnage AS numeric(12,3) DEFAULT 0 NOT NULL CONSTRAINT "not negative" CHECK (VALUE >= 0);
CREATE DOMAIN harbour.imo AS text CHECK (VALUE ~ '^IMO[0-9]{7}$');
CREATE FUNCTION harbour.minutes_apart(a time, b time) RETURNS double precision
  LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT extract(epoch FROM a - b)::float8 / 60 $$;
CREATE TYPE harbour.shift AS RANGE (subtype = time, subtype_diff = harbour.minutes_apart);
CREATE COLLATION harbour.byte_order (provider = libc, locale = 'C');
COMMENT ON COLLATION harbour.byte_order IS 'plain bytes';

-- A base type with its own input and output functions.
CREATE TYPE harbour.flag;
CREATE FUNCTION harbour.flag_in(cstring) RETURNS harbour.flag LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION harbour.flag_out(harbour.flag) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE harbour.flag (INPUT = harbour.flag_in, OUTPUT = harbour.flag_out, LIKE = text);

-- Operators, an operator class, a cast, an aggregate, a conversion.
CREATE FUNCTION harbour.near(harbour.position, harbour.position) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT abs(($1).latitude - ($2).latitude) + abs(($1).longitude - ($2).longitude) < 0.01 $$;
CREATE OPERATOR harbour.<~> (LEFTARG = harbour.position, RIGHTARG = harbour.position, FUNCTION = harbour.near,
  COMMUTATOR = OPERATOR(harbour.<~>), RESTRICT = contsel);
COMMENT ON OPERATOR harbour.<~>(harbour.position, harbour.position) IS 'close by';
CREATE FUNCTION harbour.as_position(text) RETURNS harbour.position LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT ROW(split_part($1, '/', 1)::numeric, split_part($1, '/', 2)::numeric, NULL)::harbour.position $$;
CREATE CAST (text AS harbour.position) WITH FUNCTION harbour.as_position(text) AS ASSIGNMENT;
CREATE FUNCTION harbour.longer(text, text) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT CASE WHEN length($1) >= length($2) THEN $1 ELSE $2 END $$;
CREATE AGGREGATE harbour.longest(text) (SFUNC = harbour.longer, STYPE = text, INITCOND = '');
COMMENT ON AGGREGATE harbour.longest(text) IS 'the longest of all';
CREATE FUNCTION harbour.backwards(int, int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT btint4cmp($2, $1)';
CREATE OPERATOR FAMILY harbour.reversed USING btree;
CREATE OPERATOR CLASS harbour.reversed_int FOR TYPE int USING btree FAMILY harbour.reversed AS
  OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 harbour.backwards(int, int);
CREATE CONVERSION harbour.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

-- Text search.
CREATE TEXT SEARCH DICTIONARY harbour.plain (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION harbour.cargo (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION harbour.cargo ALTER MAPPING FOR asciiword, word WITH harbour.plain;
COMMENT ON TEXT SEARCH CONFIGURATION harbour.cargo IS 'bills of lading';
