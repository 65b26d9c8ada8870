"""MySQL and MariaDB told apart as data: names of tools, flags and words in which the two families differ.

The rule: no other module asks which family it is; it reads a field of `Flavour`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vya_backup.engines.tools import Client, ToolSpec

FOLDERS = (
    "/usr/local/mysql/bin",
    "/usr/lib/mysql*/bin",
    "/opt/mysql*/bin",
    "/usr/local/mariadb/bin",
    "/opt/mariadb*/bin",
)
SERVER_FOLDERS = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin")
SYSTEM_DATABASES = frozenset({"information_schema", "performance_schema", "mysql", "sys"})
_BANNER_VERSION = re.compile(r"(?:Distrib|from|Ver) (\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Flavour:
    """What is different in one family."""

    name: str
    title: str
    dump_names: tuple[str, ...]
    load_names: tuple[str, ...]
    server_names: tuple[str, ...]
    oldest_server: tuple[int, ...]
    dump_flags: tuple[str, ...]
    load_flags: tuple[str, ...]
    """The client's flags: MariaDB's strips comments inside routines unless it is told not to."""
    load_options: tuple[tuple[str, str], ...]
    init_command_in_dumps: bool
    """Whether the dump tool can be told a session's lock timeout (mariadb-dump cannot: the watcher ends it)."""
    partial_revokes: bool
    """Whether a global grant can be taken back for one database."""
    definer_privileges: tuple[str, ...]
    """Any of these lets an account create objects for another definer."""
    missing_definer_privilege: str
    """What an account needs beside them when the definer does not exist (from MySQL 8.2 on)."""
    trusted_creators: tuple[str, ...]
    """Privileges, beside SUPER, that pass the binary log's guard against functions and triggers (error 1419)."""
    collation_question: str
    """Lists the full names of collations, where SHOW COLLATION gives short ones."""
    routine_privileges: tuple[tuple[str, str], ...]
    """(privilege, scope) pairs, any of which shows the bodies of other accounts' routines."""
    routine_remedy: str
    routine_privilege_since: tuple[int, ...]
    """The server from which on the first of `routine_privileges` exists."""
    takes_hashes: bool
    """Whether a password can be given as the hash of it that the server keeps."""

    @property
    def dump_tool(self) -> ToolSpec:
        """Return where the dump tool is looked for."""
        return ToolSpec(self.dump_names, FOLDERS)

    @property
    def load_tool(self) -> ToolSpec:
        """Return where the client is looked for."""
        return ToolSpec(self.load_names, FOLDERS)

    @property
    def server_tool(self) -> ToolSpec:
        """Return where the server's program is looked for."""
        return ToolSpec(self.server_names, (*SERVER_FOLDERS, *FOLDERS))


MYSQL = Flavour(
    name="mysql",
    title="MySQL",
    dump_names=("mysqldump",),
    load_names=("mysql",),
    server_names=("mysqld",),
    oldest_server=(8, 0),
    # Masking policies belong to the server: one database's dump neither needs to see them nor may drop them elsewhere.
    dump_flags=("--set-gtid-purged=OFF", "--column-statistics=0", "--loose-skip-masking-policies"),
    load_flags=("--comments",),
    load_options=(("loose-skip-system-command", ""), ("local-infile", "0")),  # a dump must not run or read things here
    init_command_in_dumps=True,
    partial_revokes=True,
    definer_privileges=("SET_ANY_DEFINER", "SET_USER_ID", "SUPER"),
    missing_definer_privilege="ALLOW_NONEXISTENT_DEFINER",
    trusted_creators=(),
    collation_question="SELECT COLLATION_NAME FROM information_schema.COLLATIONS",
    routine_privileges=(("SHOW_ROUTINE", "*.*"), ("SELECT", "*.*")),
    routine_remedy="GRANT SHOW_ROUTINE ON *.* TO {account}",
    routine_privilege_since=(8, 0, 20),
    takes_hashes=False,
)
MARIADB = Flavour(
    name="mariadb",
    title="MariaDB",
    dump_names=("mariadb-dump", "mysqldump"),
    load_names=("mariadb", "mysql"),
    server_names=("mariadbd", "mysqld"),
    oldest_server=(10, 6),
    dump_flags=(),
    load_flags=("--comments",),
    load_options=(("loose-sandbox", ""), ("local-infile", "0")),  # also where a dump lacks its own sandbox line
    init_command_in_dumps=False,
    partial_revokes=False,
    definer_privileges=("SET USER", "SUPER"),
    missing_definer_privilege="",
    trusted_creators=("BINLOG ADMIN",),
    collation_question="SELECT FULL_COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY",
    routine_privileges=(("SHOW CREATE ROUTINE", "database"), ("SELECT", "mysql.proc"), ("SELECT", "*.*")),
    routine_remedy="GRANT SELECT ON mysql.proc TO {account}",
    routine_privilege_since=(11, 3),
    takes_hashes=True,
)
FLAVOURS = {"mysql": MYSQL, "mariadb": MARIADB}


def client_family(client: Client) -> str:
    """Return the family that a tool's banner tells: `mysqldump` may be MariaDB's under its old name."""
    return "mariadb" if "mariadb" in client.banner.lower() else "mysql"


def client_version(client: Client) -> tuple[int, ...]:
    """Return the release a tool belongs to; MariaDB's `Ver 10.19` is its dump format, not its release."""
    found = [tuple(int(part) for part in match) for match in _BANNER_VERSION.findall(client.banner)]
    return max(found, default=client.version) if client_family(client) == "mysql" else (found or [client.version])[-1]


def dotted(version: tuple[int, ...]) -> str:
    """Return `10.11.19`."""
    return ".".join(map(str, version))
