"""What a database holds, by kind, as questions to PostgreSQL's catalogs.

The rule: each question selects what pg_dump selects, and names it as pg_dump's comments do
(`src/bin/pg_dump/pg_dump.c`), so that a survey and an observed dump can be compared name by name.
"""

from __future__ import annotations

FIRST_USER_OID = 16384
"""Everything below was made by initdb (`FirstNormalObjectId`)."""

_USER_SCHEMA = r"n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
_ARGUMENTS = """coalesce((SELECT string_agg(format_type(a.type, NULL), ', ' ORDER BY a.place)
    FROM unnest(o.proargtypes) WITH ORDINALITY AS a(type, place)), {none})"""
_SIGNATURE = "o.proname || '(' || " + _ARGUMENTS.format(none="''") + " || ')'"
_AGGREGATE = "o.proname || '(' || " + _ARGUMENTS.format(none="'*'") + " || ')'"


def own(catalog: str, alias: str = "o") -> str:
    """Leave out what comes along: an extension's members, and the functions and casts of a range type."""
    kinds = "'e', 'i'" if catalog in {"pg_proc", "pg_cast"} else "'e'"
    return f"""NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass
        AND e.objid = {alias}.oid AND e.deptype IN ({kinds}))"""


def _in_schema(catalog: str, schema: str, name: str, where: str = "true") -> str:
    return f"""SELECT {name}, n.nspname FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{schema}
        WHERE {_USER_SCHEMA} AND {where} AND {own(catalog)}"""


def _global(catalog: str, name: str, where: str = "true") -> str:
    return f"SELECT {name}, '-' FROM {catalog} o WHERE {where} AND o.oid >= {FIRST_USER_OID} AND {own(catalog)}"


def _relation(kinds: str) -> str:
    return _in_schema("pg_class", "relnamespace", "o.relname", f"o.relkind IN ({kinds})")


def _on_table(source: str, name: str, where: str, own_table: bool = True) -> str:
    """Ask for something whose tag starts with its table's name; `source` binds o, with the table's oid as `tab`."""
    members = own("pg_class", "t") if own_table else "true"
    return f"""SELECT t.relname || ' ' || {name}, n.nspname FROM {source}
        JOIN pg_class t ON t.oid = o.tab JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE {_USER_SCHEMA} AND {where} AND {members}"""


_INDEX = "(i.indisvalid OR t.relkind = 'p') AND i.indisready"  # pg_dump leaves out a broken index
_KEY = "c.contype IN ('p', 'u', 'x')"

QUESTIONS: dict[str, str] = {
    "SCHEMA": _global("pg_namespace", "o.nspname", "o.nspname !~ '^pg_' AND o.nspname <> 'public'"),
    "EXTENSION": _global("pg_extension", "o.extname"),
    "TABLE": _relation("'r', 'p'"),
    "FOREIGN TABLE": _relation("'f'"),
    "VIEW": _relation("'v'"),
    "MATERIALIZED VIEW": _relation("'m'"),
    "SEQUENCE": _relation("'S'"),
    "TYPE": _in_schema(
        "pg_type",
        "typnamespace",
        "o.typname",
        """(o.typtype IN ('e', 'r') OR o.typtype = 'p' AND NOT o.typisdefined
            OR o.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = o.oid)
            OR o.typtype = 'c' AND (SELECT r.relkind FROM pg_class r WHERE r.oid = o.typrelid) = 'c')""",
    ),
    "DOMAIN": _in_schema("pg_type", "typnamespace", "o.typname", "o.typtype = 'd'"),
    "FUNCTION": _in_schema("pg_proc", "pronamespace", _SIGNATURE, "o.prokind IN ('f', 'w')"),
    "PROCEDURE": _in_schema("pg_proc", "pronamespace", _SIGNATURE, "o.prokind = 'p'"),
    "AGGREGATE": _in_schema("pg_proc", "pronamespace", _AGGREGATE, "o.prokind = 'a'"),
    "OPERATOR": _in_schema("pg_operator", "oprnamespace", "o.oprname", "o.oprcode <> 0"),
    "OPERATOR CLASS": _in_schema("pg_opclass", "opcnamespace", "o.opcname"),
    "OPERATOR FAMILY": _in_schema("pg_opfamily", "opfnamespace", "o.opfname"),
    "COLLATION": _in_schema("pg_collation", "collnamespace", "o.collname"),
    "CONVERSION": _in_schema("pg_conversion", "connamespace", "o.conname"),
    "TEXT SEARCH PARSER": _in_schema("pg_ts_parser", "prsnamespace", "o.prsname"),
    "TEXT SEARCH DICTIONARY": _in_schema("pg_ts_dict", "dictnamespace", "o.dictname"),
    "TEXT SEARCH TEMPLATE": _in_schema("pg_ts_template", "tmplnamespace", "o.tmplname"),
    "TEXT SEARCH CONFIGURATION": _in_schema("pg_ts_config", "cfgnamespace", "o.cfgname"),
    "STATISTICS": _in_schema("pg_statistic_ext", "stxnamespace", "o.stxname"),
    "INDEX": f"""SELECT x.relname, n.nspname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE {_USER_SCHEMA} AND {_INDEX} AND {own("pg_class", "t")} AND {own("pg_class", "x")}
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid
            AND c.conrelid = i.indrelid AND {_KEY})""",
    "CONSTRAINT": _on_table(
        "(SELECT c.conname, c.contype, c.conindid, c.conrelid AS tab FROM pg_constraint c) o",
        "o.conname",
        f"""o.contype IN ('p', 'u', 'x')
            AND EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = o.conindid AND {_INDEX})""",
    ),
    "FK CONSTRAINT": _on_table(
        "(SELECT c.conname, c.contype, c.conparentid, c.conrelid AS tab FROM pg_constraint c) o",
        "o.conname",
        "o.contype = 'f' AND o.conparentid = 0",
    ),
    "TRIGGER": _on_table(
        "(SELECT g.*, g.tgrelid AS tab, g.oid AS id FROM pg_trigger g) o",
        "o.tgname",
        """(NOT o.tgisinternal AND o.tgparentid = 0
            OR o.tgenabled <> (SELECT u.tgenabled FROM pg_trigger u WHERE u.oid = o.tgparentid))
            AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_trigger'::regclass
                AND e.objid = o.id AND e.deptype = 'e')""",
    ),
    "RULE": _on_table(
        "(SELECT r.rulename, r.ev_class AS tab FROM pg_rewrite r) o", "o.rulename", "o.rulename <> '_RETURN'"
    ),
    # Row security of an extension's table is the one thing that pg_dump does write for it.
    "POLICY": _on_table(
        "(SELECT p.polname, p.polrelid AS tab FROM pg_policy p) o", "o.polname", "true", own_table=False
    ),
    "ROW SECURITY": f"""SELECT t.relname, n.nspname FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE {_USER_SCHEMA} AND t.relrowsecurity""",
    "PROCEDURAL LANGUAGE": _global("pg_language", "o.lanname", "o.lanispl"),
    "CAST": _global(
        "pg_cast", "'CAST (' || format_type(o.castsource, NULL) || ' AS ' || format_type(o.casttarget, NULL) || ')'"
    ),
    "TRANSFORM": _global(
        "pg_transform",
        """'TRANSFORM FOR ' || format_type(o.trftype, NULL) || ' LANGUAGE '
            || (SELECT l.lanname FROM pg_language l WHERE l.oid = o.trflang)""",
    ),
    "ACCESS METHOD": _global("pg_am", "o.amname"),
    "FOREIGN DATA WRAPPER": _global("pg_foreign_data_wrapper", "o.fdwname"),
    "SERVER": _global("pg_foreign_server", "o.srvname"),
    "USER MAPPING": f"""SELECT 'USER MAPPING ' || m.usename || ' SERVER ' || m.srvname, '-' FROM pg_user_mappings m
        JOIN pg_foreign_server o ON o.oid = m.srvid WHERE {own("pg_foreign_server")}""",
    "EVENT TRIGGER": _global("pg_event_trigger", "o.evtname"),
    "PUBLICATION": _global("pg_publication", "o.pubname"),
    "PUBLICATION TABLE": f"""SELECT p.pubname || ' ' || t.relname, n.nspname FROM pg_publication_rel r
        JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class t ON t.oid = r.prrelid
        JOIN pg_namespace n ON n.oid = t.relnamespace WHERE {_USER_SCHEMA}""",
}

PUBLISHED_SCHEMAS = """SELECT p.pubname || ' ' || n.nspname, n.nspname FROM pg_publication_namespace r
    JOIN pg_publication p ON p.oid = r.pnpubid JOIN pg_namespace n ON n.oid = r.pnnspid"""
"""PUBLICATION TABLES IN SCHEMA, from version 15 on."""

SUBSCRIPTIONS = """SELECT s.subname, '-' FROM pg_subscription s
    WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())"""
"""Seen by everyone, dumped only for a superuser."""


def questions(version: tuple[int, ...], *, superuser: bool) -> dict[str, str]:
    """Return the question for each of pg_dump's types that this server has and this account's dump holds."""
    asked = dict(QUESTIONS)
    if version >= (15,):
        asked["PUBLICATION TABLES IN SCHEMA"] = PUBLISHED_SCHEMAS
    if superuser:
        asked["SUBSCRIPTION"] = SUBSCRIPTIONS
    return asked
