"""The small words for asking a server: rows, one value, variables; and quoting of identifiers.

The rule: names reach a catalog question as bound values, and a statement only through `identifier` or `literal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult
    from sqlalchemy.exc import DBAPIError


def rows(connection: Connection, question: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return all rows; values are bound by name (`:database`)."""
    return [tuple(row) for row in _asked(connection, question, values)]


def records(connection: Connection, question: str) -> list[dict[str, Any]]:
    """Return all rows by column name, for questions whose columns differ between versions."""
    return [dict(row) for row in _asked(connection, question, {}).mappings()]


def one(connection: Connection, question: str, **values: Any) -> Any:
    """Return the first value of the first row, or None."""
    answer = rows(connection, question, **values)
    return answer[0][0] if answer else None


def variables(connection: Connection) -> dict[str, str]:
    """Return the server's global variables."""
    return {str(name): str(value) for name, value in rows(connection, "SHOW GLOBAL VARIABLES")}


def status(connection: Connection, name: str) -> str:
    """Return one status value of this session, or an empty text."""
    answer = rows(connection, "SHOW SESSION STATUS WHERE Variable_name = :name", name=name)
    return str(answer[0][1]) if answer else ""


def demand_answer(error: DBAPIError) -> None:
    """Raise a failure again where the line is gone: nothing was refused then, and nothing is known."""
    if error.connection_invalidated:
        raise error


def identifier(name: str) -> str:
    """Quote a name for a statement."""
    return "`" + name.replace("`", "``") + "`"


def qualified(database: str, name: str) -> str:
    """Quote a name with its database."""
    return f"{identifier(database)}.{identifier(name)}"


def literal(value: str) -> str:
    """Quote a text for a statement; the session's sql_mode keeps backslashes as escapes."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def spelled(name: str) -> str:
    """Return a name as manifests spell it: control characters become a space."""
    return "".join(" " if character < " " or character == "\x7f" else character for character in name)


EXACT = "CAST({column} AS BINARY) = CAST(:database AS BINARY)"
"""A condition on a schema's name: MariaDB's own comparison takes `UPPER` and `upper` for the same."""


def of_schema(column: str) -> str:
    """Return the condition that a catalog column names exactly the bound `:database`."""
    return f"{column} = :database AND " + EXACT.format(column=column)


def _asked(connection: Connection, question: str, values: dict[str, Any]) -> CursorResult[Any]:
    from sqlalchemy import text

    if values:
        return connection.execute(text(question), values)
    return connection.exec_driver_sql(question, execution_options={"no_parameters": True})
