"""Builds the sample databases on a test server, each from its folder of scripts in the order of their names."""

from __future__ import annotations

import lzma
from pathlib import Path

from psycopg import sql as quoting

from tests.servers.mysql import MySqlServer, quoted
from tests.servers.postgresql import PostgresqlServer

HERE = Path(__file__).parent
SHARED = HERE.parent.parent.parent / "shared/data"
"""Other people's databases (Pagila, Sakila), beside the checkout where they are shared; not everywhere."""


def build_postgresql(server: PostgresqlServer, database: str) -> None:
    """Create the harbour office under any name, with its roles, and with settings that break careless restores."""
    scripts = sorted((HERE / "postgresql").glob("*.sql"))
    server.load(scripts[0].read_bytes())
    create = (
        "CREATE DATABASE {} OWNER harbour_owner TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    )
    server.sql(quoting.SQL(create).format(quoting.Identifier(database)).as_string())
    for script in scripts[1:]:
        server.load(script.read_bytes(), database)


def build_mysql(server: MySqlServer, database: str) -> None:
    """Create the harbour office in MySQL or MariaDB, with its accounts and their grants."""
    server.sql(f"CREATE DATABASE {quoted(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    for folder in ("mysql_family", server.engine):
        for script in sorted((HERE / folder).glob("[0-9]*.sql")):
            text = script.read_text().replace("{{database}}", quoted(database))
            server.load(text, database)


def build_nontransactional(server: MySqlServer, database: str) -> None:
    """Create a database with tables that no transaction protects (MyISAM, MEMORY, CSV, Aria)."""
    server.create_database(database)
    server.load((HERE / "mysql_family/nontransactional.sql").read_bytes(), database)
    if server.engine == "mariadb":
        server.load("CREATE TABLE aria_log (id int PRIMARY KEY, t text) ENGINE=Aria", database)
        server.load("INSERT INTO aria_log VALUES (1, 'x')", database)


def build_pagila(server: PostgresqlServer, database: str) -> None:
    """Load Pagila from the shared folder into a new database."""
    server.create_database(database)
    server.load(lzma.decompress((SHARED / "pagila/pagila.sql.xz").read_bytes()), database)


def build_sakila(server: MySqlServer) -> None:
    """Load Sakila from the shared folder; the script itself makes the database `sakila`."""
    server.load(lzma.decompress((SHARED / "sakila/sakila.sql.xz").read_bytes()))
