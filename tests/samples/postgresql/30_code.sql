-- Views, routines, triggers, rules, policies, and what else the catalogs know.
CREATE VIEW harbour.open_berth WITH (security_barrier) AS SELECT number, depth FROM harbour.berth WHERE state = 'free' WITH LOCAL CHECK OPTION;
COMMENT ON VIEW harbour.open_berth IS 'where to go';
CREATE RECURSIVE VIEW harbour.family (id, depth) AS SELECT id, 0 FROM harbour.customer WHERE parent IS NULL
  UNION ALL SELECT c.id, depth + 1 FROM harbour.customer c JOIN family f ON c.parent = f.id;
CREATE MATERIALIZED VIEW harbour.tonnage_by_kind AS SELECT kind, count(*) AS n, sum(weight) AS total FROM harbour.movement GROUP BY kind;
CREATE UNIQUE INDEX ON harbour.tonnage_by_kind (kind);
CREATE MATERIALIZED VIEW harbour.tonnage_top AS SELECT * FROM harbour.tonnage_by_kind WHERE n > 10 WITH NO DATA;
COMMENT ON MATERIALIZED VIEW harbour.tonnage_top IS 'never refreshed';

CREATE FUNCTION harbour.fee(weight numeric, rate numeric DEFAULT 1.5, VARIADIC extras numeric[] DEFAULT '{}') RETURNS numeric
  LANGUAGE plpgsql STABLE PARALLEL SAFE COST 7 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  -- a comment with $$ and 'quotes' and a \backslash
  RETURN weight * rate + coalesce((SELECT sum(e) FROM unnest(extras) e), 0);
END $body$;
CREATE FUNCTION harbour.fee(weight text) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT harbour.fee($1::numeric)::text; END;
COMMENT ON FUNCTION harbour.fee(text) IS 'overloaded';
CREATE FUNCTION harbour.ships_of(integer) RETURNS TABLE (imo text, name text) LANGUAGE sql ROWS 20
  AS $$ SELECT imo::text, name FROM harbour.ship WHERE owner = $1 $$;
CREATE PROCEDURE harbour.close_year(IN year int, INOUT closed int DEFAULT 0) LANGUAGE plpgsql AS $$
BEGIN closed := (SELECT count(*) FROM harbour.movement WHERE extract(year FROM at) = year); COMMIT; END $$;

CREATE TABLE harbour.audit (at timestamptz DEFAULT clock_timestamp(), who name DEFAULT current_user, what text);
CREATE FUNCTION harbour.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO harbour.audit (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER "a change, noted" AFTER INSERT OR UPDATE OF name OR DELETE ON harbour.ship FOR EACH STATEMENT EXECUTE FUNCTION harbour.note_change();
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON harbour.berth DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION harbour.note_change();
CREATE TRIGGER switched_off BEFORE DELETE ON harbour.note FOR EACH ROW EXECUTE FUNCTION harbour.note_change();
ALTER TABLE harbour.note DISABLE TRIGGER switched_off;
CREATE TRIGGER always AFTER INSERT ON harbour.note REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION harbour.note_change();
ALTER TABLE harbour.note ENABLE ALWAYS TRIGGER always;
COMMENT ON TRIGGER always ON harbour.note IS 'also for replicas';
CREATE FUNCTION harbour.insert_berth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO harbour.berth (number, depth) VALUES (NEW.number, NEW.depth); RETURN NEW; END $$;
CREATE TRIGGER through_the_view INSTEAD OF INSERT ON harbour.open_berth FOR EACH ROW EXECUTE FUNCTION harbour.insert_berth();
CREATE FUNCTION harbour.note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER harbour_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION harbour.note_ddl();
CREATE RULE keep_scratch AS ON DELETE TO harbour.scratch DO INSTEAD NOTHING;
COMMENT ON RULE keep_scratch ON harbour.scratch IS 'nothing is ever thrown away';

ALTER TABLE harbour.customer ENABLE ROW LEVEL SECURITY;
ALTER TABLE harbour.customer FORCE ROW LEVEL SECURITY;
CREATE POLICY "clerks see the living" ON harbour.customer AS PERMISSIVE FOR SELECT TO harbour_clerk, harbour_auditor USING (secret IS NOT NULL);
CREATE POLICY nobody_renames ON harbour.customer AS RESTRICTIVE FOR UPDATE USING (true) WITH CHECK (name = name);
COMMENT ON POLICY nobody_renames ON harbour.customer IS 'names are final';

CREATE INDEX customer_search ON harbour.customer USING gin (search);
CREATE INDEX customer_like ON harbour.customer USING gist (name tools.gist_trgm_ops);
CREATE UNIQUE INDEX customer_lower ON harbour.customer (lower(name), id) WHERE parent IS NULL;
CREATE INDEX berth_backwards ON harbour.crew (id harbour.reversed_int);
CREATE UNIQUE INDEX one_null ON harbour.gang (foreman) NULLS NOT DISTINCT;
COMMENT ON INDEX harbour.customer_like IS 'for the search box';
CLUSTER harbour.customer USING customer_pkey;
ALTER TABLE harbour.berth REPLICA IDENTITY FULL;
ALTER TABLE harbour.ship ALTER name SET STATISTICS 500, ALTER name SET STORAGE EXTERNAL;
CREATE STATISTICS harbour.movement_together (dependencies, mcv) ON at, kind FROM harbour.movement;
COMMENT ON STATISTICS harbour.movement_together IS 'they go together';

CREATE PUBLICATION harbour_feed FOR TABLE harbour.berth, ONLY harbour.note (id, body), harbour.gang WHERE (id > 0) WITH (publish = 'insert, update');
CREATE PUBLICATION "whole schema" FOR TABLES IN SCHEMA "-h";
CREATE FOREIGN DATA WRAPPER nowhere OPTIONS (debug 'true');
CREATE SERVER neighbour TYPE 'files' VERSION '1.0' FOREIGN DATA WRAPPER file_fdw;
CREATE USER MAPPING FOR harbour_clerk SERVER neighbour;
CREATE FOREIGN TABLE harbour.neighbours_ship (imo text OPTIONS (force_not_null 'true'), name text NOT NULL) SERVER neighbour OPTIONS (filename '/nowhere/it''s.csv', format 'csv');
