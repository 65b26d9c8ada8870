"""Counts what a database holds, as a dump of this moment would show it.

The rule: rows count for the table that pg_dump loads them into, and a sequence is one number, as for the observer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.postgresql import encodings, entries, inventory
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.postgresql.stream import LARGE_OBJECT_ROWS, sequence_value
from vya_backup.engines.postgresql.survey import objects

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.answers import Server

_BATCH = 100
_PLAIN = {"no_parameters": True}  # a percent sign in a name is just that

# Partitions by the hash of an enum's number, which is another one on each server: pg_dump loads them through the root.
_HASHED_BY_ENUM = """(SELECT c.oid FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod WHERE c.opcname = 'enum_ops'
            AND c.opcnamespace = 'pg_catalog'::regnamespace AND m.amname = 'hash')"""
# Tables whose rows pg_dump copies: every plain one that no extension owns, and an extension's configuration tables.
_COPIED = f"""SELECT o.relname AS name, n.nspname AS schema, coalesce(e.condition, '') AS condition,
    coalesce(r.relname, o.relname) AS loaded_name, coalesce(rn.nspname, n.nspname) AS loaded_schema
    FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
    LEFT JOIN (SELECT x.extoid, c.condition FROM pg_extension p
        CROSS JOIN LATERAL unnest(p.extconfig) WITH ORDINALITY AS x(extoid, place)
        CROSS JOIN LATERAL unnest(p.extcondition) WITH ORDINALITY AS c(condition, place)
        WHERE x.place = c.place) e ON e.extoid = o.oid
    LEFT JOIN pg_class r ON o.relispartition AND r.oid = pg_partition_root(o.oid) AND EXISTS (
        SELECT FROM pg_partition_ancestors(o.oid) a JOIN pg_partitioned_table p ON p.partrelid = a.relid
        WHERE {_HASHED_BY_ENUM} = ANY (p.partclass))
    LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
    WHERE o.relkind = '{{kind}}' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND (e.extoid IS NOT NULL OR {inventory.own("pg_class")}) ORDER BY 3, 2"""


def count(connection: Connection, of: Server) -> Manifest:
    """Survey with exact row counts and sequence values, as a dump of this moment would show them."""
    connection.exec_driver_sql("SET statement_timeout = 0")
    with encodings.named(connection) as readable:
        return Manifest(
            objects=objects(connection, of, readable),
            rows=dict(_rows(connection, readable)),
            sequences=dict(_sequences(connection, readable)),
        )


def _rows(connection: Connection, readable: encodings.Names) -> Iterator[tuple[str, int]]:
    counts: dict[str, int] = {}
    for table in connection.exec_driver_sql(_COPIED.format(kind="r")).all():
        target = f"ONLY {identifier(table.schema)}.{identifier(table.name)} {table.condition}"
        rows = connection.exec_driver_sql(f"SELECT count(*) FROM {target}", execution_options=_PLAIN).scalar_one()
        name = entries.entry("TABLE DATA", readable(table.loaded_name), readable(table.loaded_schema)).name
        counts[name] = counts.get(name, 0) + rows
    large = connection.exec_driver_sql("SELECT count(*) FROM pg_largeobject_metadata").scalar_one()
    if large:
        counts[LARGE_OBJECT_ROWS] = large
    yield from counts.items()


def _sequences(connection: Connection, readable: encodings.Names) -> Iterator[tuple[str, int]]:
    found = connection.exec_driver_sql(_COPIED.format(kind="S")).all()
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        question = " UNION ALL ".join(
            f"SELECT {place}, last_value, is_called FROM {identifier(one.schema)}.{identifier(one.name)}"
            for place, one in enumerate(batch)
        )
        for place, last, called in connection.exec_driver_sql(question, execution_options=_PLAIN):
            name = entries.entry("SEQUENCE SET", readable(batch[place].name), readable(batch[place].schema)).name
            yield name, sequence_value(last, called=called)
