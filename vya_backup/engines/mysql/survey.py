"""Surveys a database before and after its dump: objects, properties, needs, and what the dump will lack.

The rule: `objects` holds exactly what the dump must show; whatever is left out of it is a Gap with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Gap, Server, Survey
from vya_backup.engines.mysql.gaps import Columns, column_gaps, engine_gaps, event_gaps, history_gaps
from vya_backup.engines.mysql.objects import Stored, Table, by_kind, exact_names, stored, tables
from vya_backup.engines.mysql.questions import identifier, of_schema, one, qualified, rows
from vya_backup.engines.mysql.statements import trigger_is_qualified

if TYPE_CHECKING:
    from sqlalchemy import Connection


def survey(connection: Connection, server: Server, database: str) -> Survey:
    """Ask what the database holds."""
    found = tables(connection, database)
    broken, texts = _views(connection, database, found)
    # information_schema qualifies every name in a view; what the dump will say is told by SHOW CREATE VIEW.
    programs = [
        replace(item, text=texts.get(item.name, "")) if item.kind == "view" else item
        for item in stored(connection, database)
    ]
    sleepers = event_gaps(server, database, (item.name for item in programs if item.kind == "event"))
    left_out = {("view", name) for name in broken} | {(gap.kind, gap.name) for gap in sleepers}
    transactional = _transactional_engines(connection)
    columns = Columns(connection, database)
    history, history_lost = history_gaps(columns, server, found)
    return Survey(
        objects=by_kind(_listed(found, programs, left_out)),
        properties=_properties(connection, server, database) | {
            "broken_views": sorted(broken),
            "dump_history": history,
            "exact_names": dict(exact_names([*(table.name for table in found), *(item.name for item in programs)])),
            "mentions_itself": mentions(database, programs),
            "qualified_triggers": _qualified_triggers(connection, database, programs),
            "own_sequence_defaults": _sequence_defaults(connection, database, found),
        },
        needs=_needs(server, found, programs, _collations(connection, database)),
        gaps=(
            *(Gap("view", name, reason, "Repair or drop the view.") for name, reason in sorted(broken.items())),
            *sleepers,
            *history_lost,
            *engine_gaps(found),
            *column_gaps(columns, found),
        ),
        unprotected=tuple(
            sorted(t.name for t in found if t.kind == "table" and t.engine.upper() not in transactional)
        ),
        size_bytes=sum(table.size_bytes for table in found),
    )  # fmt: skip


def mentions(database: str, programs: Iterable[Stored]) -> list[str]:
    """Return `kind name` of every program whose text names the database itself, as `db`. or db. in any spelling."""
    bare = r"(?<![\w$`])" + re.escape(database) + r"(?![\w$`])\s*\."
    quoted = r"[`\"]" + re.escape(database.replace("`", "``")) + r"[`\"]\s*\."
    named = re.compile(f"{bare}|{quoted}", re.IGNORECASE)
    return sorted(f"{item.kind} {item.name}" for item in programs if named.search(item.text))


def _listed(
    found: Iterable[Table], programs: Iterable[Stored], left_out: set[tuple[str, str]]
) -> list[tuple[str, str]]:
    names = [(table.kind, table.name) for table in found]
    names += [(item.kind, item.name) for item in programs if item.kind != "view"]
    return [pair for pair in names if pair not in left_out]


def _views(connection: Connection, database: str, found: Sequence[Table]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the reason for each view that the dump tool would stop at, and the text of each other one.

    The tool asks for fields and definition, too.
    """
    from sqlalchemy.exc import DBAPIError

    broken, texts = {}, {}
    for view in (table for table in found if table.kind == "view"):
        try:
            rows(connection, f"SHOW FIELDS FROM {qualified(database, view.name)}")
            texts[view.name] = str(rows(connection, f"SHOW CREATE VIEW {qualified(database, view.name)}")[0][1])
        except DBAPIError as error:
            code, reason = error.orig.args[:2] if error.orig and len(error.orig.args) > 1 else (0, str(error.orig))
            if code not in _VIEW_IS_BROKEN:
                raise
            broken[view.name] = f"{reason} [{code}]"
    return broken, texts


_VIEW_IS_BROKEN = {1356, 1449, 1146, 1054, 1305, 1304, 1052, 1060, 1222, 1267, 1271, 1142, 1143, 1370, 1630, 1049}


def _transactional_engines(connection: Connection) -> set[str]:
    question = "SELECT UPPER(ENGINE) FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'"
    return {str(name) for (name,) in rows(connection, question)}


def _properties(connection: Connection, server: Server, database: str) -> dict[str, Any]:
    schema = rows(
        connection,
        f"""SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME
        FROM information_schema.SCHEMATA WHERE {of_schema("SCHEMA_NAME")}""",  # noqa: S608
        database=database,
    )
    charset, collation = (str(value) for value in schema[0])
    create = str(rows(connection, f"SHOW CREATE DATABASE {identifier(database)}")[0][1])
    comment = re.search(r"\bCOMMENT '((?:[^'\\]|''|\\.)*)'", create)
    return {
        "flavour": server.flavour,
        "charset": charset,
        "collation": collation,
        "encrypted": "DEFAULT ENCRYPTION='Y'" in create,
        "read_only": "READ ONLY = 1" in create or "READ ONLY=1" in create,
        "comment": comment.group(1).replace("''", "'") if comment else "",
        "lower_case_table_names": int(one(connection, "SELECT @@lower_case_table_names")),
    }


def _sequence_defaults(connection: Connection, database: str, found: Sequence[Table]) -> list[list[str]]:
    """Return (table, column, default) of MariaDB's `DEFAULT nextval(...)`, which always names its database."""
    if not any(table.kind == "sequence" for table in found):
        return []
    question = f"""SELECT TABLE_NAME, COLUMN_NAME, COLUMN_DEFAULT FROM information_schema.COLUMNS
        WHERE {of_schema("TABLE_SCHEMA")} AND COLUMN_DEFAULT LIKE '%nextval(%'"""  # noqa: S608
    return [[str(value) for value in row] for row in rows(connection, question, database=database)]


def _qualified_triggers(connection: Connection, database: str, programs: Iterable[Stored]) -> list[str]:
    """Return the triggers that MariaDB, which keeps the text as typed, will only create in this very database."""
    names = []
    for item in (item for item in programs if item.kind == "trigger"):
        create = str(rows(connection, f"SHOW CREATE TRIGGER {qualified(database, item.name)}")[0][2])
        if trigger_is_qualified(create.encode()):
            names.append(item.name)
    return sorted(names)


def _collations(connection: Connection, database: str) -> set[str]:
    question = f"""SELECT DISTINCT COLLATION_NAME FROM information_schema.COLUMNS
        WHERE {of_schema("TABLE_SCHEMA")} AND COLLATION_NAME IS NOT NULL
        UNION SELECT DISTINCT TABLE_COLLATION FROM information_schema.TABLES
        WHERE {of_schema("TABLE_SCHEMA")} AND TABLE_COLLATION IS NOT NULL"""  # noqa: S608
    return {str(name) for (name,) in rows(connection, question, database=database)}


def _needs(server: Server, found: Iterable[Table], programs: Iterable[Stored], collations: set[str]) -> Needs:
    engines = {f"engine {table.engine}" for table in found if table.kind == "table" and table.engine}
    return Needs(
        server_version=server.version[:2],
        flavour=server.flavour,
        definers=tuple(sorted({item.definer for item in programs if item.definer})),
        extensions=tuple(sorted({*(engines - {"engine InnoDB"}), *(f"collation {name}" for name in collations)})),
    )
