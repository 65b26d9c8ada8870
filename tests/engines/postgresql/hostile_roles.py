"""Makes more than 200 roles with nasty names, passwords of every kind, memberships, settings and comments."""

from __future__ import annotations

import random
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from tests.servers import PostgresqlServer

NAMES = (
    *("plain", "Upper", "UPPER", "upper", "two words", " leading", "trailing ", "quo'te", "''", 'do"uble', '"', '""'),
    *("new\nline", "\n", "cr\rlf\r\n", "tab\tx", "\x01ctl\x7f", "back\\slash", "\\", "\\'", "E'x'", "$$", "$tag$"),
    *("semi;colon", "; DROP ROLE postgres; --", "-- comment", "/* block", "*/", "x\n-- Accounts complete", "%s", "%"),
    *("x\nALTER ROLE postgres NOLOGIN;\n--", 'a"; ALTER ROLE postgres NOLOGIN; --', "\\connect evil", "\n\\! true\n"),
    *("select", "user", "all", "PUBLIC", "Public", "none_", "current_user_", "group", "role", "to", "from", "admin"),
    *(
        "é" * 31 + "x",
        "x" * 63,
        "☃",
        "😀",
        "Ünïcode",
        "名前",
        "a\u00a0b",
        "a\u2028b",
        "a\u200bb",
        "123",
        "1e5",
        "-1",
        "a.b",
    ),
    *(
        "@users",
        "a@b",
        "app@10.%",
        ":name",
        ":'name'",
        "#",
        "=",
        "?",
        "*",
        "[x]",
        "{x}",
        "~",
        "`",
        "!",
        "&",
        "|",
        "postgres2",
    ),
)
PASSWORDS = (
    "plain",
    "it's",
    'a"b',
    "back\\slash",
    "new\nline",
    "☃ snow",
    "SCRAM-SHA-256",
    "md5",
    " ",
    "%s",
    "$1",
    "x" * 200,
)
PARAMETERS: dict[str, tuple[str, ...]] = {
    "work_mem": ("5MB",),
    "search_path": ("a", "b c", "x'y", 'q"r', "$user", ""),
    "my.Var": ("va'l\nue\\x; -- no",),
    "Datestyle": ("ISO, DMY",),
    "application_name": ("☃\\'; DROP",),
    "temp_tablespaces": ("",),
    "log_min_duration_statement": ("-1",),
}
MANY = 230


@dataclass(frozen=True)
class Made:
    """What was made."""

    names: tuple[str, ...]
    passwords: dict[str, str]
    """Of those that can log in now."""


def make(server: PostgresqlServer, databases: tuple[str, ...], *, many: int = MANY, seed: int = 4) -> Made:
    """Make the roles, each of its own kind; `databases` get settings of roles."""
    chance = random.Random(seed)
    names = (*NAMES, *(f"role {number}" for number in range(many - len(NAMES))))
    passwords: dict[str, str] = {}
    with server.connect() as connection:
        for place, name in enumerate(names):
            connection.execute(SQL("CREATE ROLE {}").format(Identifier(name)))
            if place % 3:
                _give_password(connection, name, PASSWORDS[place % len(PASSWORDS)], md5=place % 4 == 0)
                passwords[name] = PASSWORDS[place % len(PASSWORDS)]
            _attributes(connection, name, chance, passwords)
            if chance.random() < 0.4:
                text = f"it's -- a\ncomment; \\ of {name} $$ /*"
                connection.execute(SQL("COMMENT ON ROLE {} IS {}").format(Identifier(name), Literal(text)))
            _settings(connection, name, chance, databases)
        _memberships(connection, names, chance, server.version)
    return Made(names, passwords)


def drop_all(server: PostgresqlServer) -> None:
    """Drop every role but the superuser of initdb."""
    found = server.sql("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND oid <> 10")
    if found:
        names = SQL(", ").join(Identifier(name) for (name,) in found)
        server.sql(SQL("DROP ROLE {}").format(names).as_string())


def _give_password(connection: psycopg.Connection[object], name: str, password: str, *, md5: bool) -> None:
    connection.execute(SQL("SET password_encryption = {}").format(Literal("md5" if md5 else "scram-sha-256")))
    statement = SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(Identifier(name), Literal(password))
    connection.execute(statement)


def _attributes(
    connection: psycopg.Connection[object], name: str, chance: random.Random, passwords: dict[str, str]
) -> None:
    flags = ("SUPERUSER", "NOINHERIT", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS", "CONNECTION LIMIT 7")
    words = [word for word in flags if chance.random() < 0.15]
    expiry = chance.choice(("", "", "", "2040-02-29 12:30:00.5+02", "infinity", "2001-01-01"))
    words += [f"VALID UNTIL '{expiry}'"] if expiry else []
    words += ["CONNECTION LIMIT 0"] if not words and chance.random() < 0.1 else []
    if words:
        connection.execute(SQL("ALTER ROLE {} " + " ".join(words)).format(Identifier(name)))
    if expiry == "2001-01-01" or "CONNECTION LIMIT 0" in words:
        passwords.pop(name, None)


def _settings(
    connection: psycopg.Connection[object], name: str, chance: random.Random, databases: tuple[str, ...]
) -> None:
    for parameter, values in PARAMETERS.items():
        if chance.random() < 0.08:
            connection.execute(_setting(name, "", parameter, values))
        if chance.random() < 0.04:
            connection.execute(_setting(name, chance.choice(databases), parameter, values))


def _setting(name: str, database: str, parameter: str, values: tuple[str, ...]) -> Composed:
    place = SQL(" IN DATABASE {}").format(Identifier(database)) if database else SQL("")
    parts = SQL(".").join(Identifier(part) for part in parameter.split("."))
    assigned = SQL(", ").join(Literal(value) for value in values)
    return SQL("ALTER ROLE {}{} SET {} TO {}").format(Identifier(name), place, parts, assigned)


def _memberships(
    connection: psycopg.Connection[object], names: tuple[str, ...], chance: random.Random, version: tuple[int, ...]
) -> None:
    """Let later ones be members of earlier ones, so that no circle is tried; some by grantors other than us."""
    for place, name in enumerate(names[1:], 1):
        for role in {chance.choice(names[:place]) for _ in range(chance.randrange(3))}:
            options = [word for word in ("INHERIT FALSE", "SET FALSE") if version >= (16,) and chance.random() < 0.3]
            options = ["ADMIN OPTION", *options] if chance.random() < 0.4 else options
            said = f" WITH {', '.join(options)}" if options else ""
            connection.execute(SQL("GRANT {} TO {}" + said).format(Identifier(role), Identifier(name)))
            if "ADMIN OPTION" in options:
                granted = SQL("GRANT {} TO {} GRANTED BY {}")
                later = names[(place + 7) % len(names)] if place + 7 < len(names) else "pg_monitor_"
                if later != "pg_monitor_":
                    connection.execute(granted.format(Identifier(role), Identifier(later), Identifier(name)))
    connection.execute(SQL("GRANT pg_read_all_data TO {}").format(Identifier("plain")))
    connection.execute(SQL("GRANT {} TO pg_monitor").format(Identifier(chance.choice(names))))
