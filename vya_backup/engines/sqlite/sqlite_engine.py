"""The SQLite engine: questions go over a connection to the file, everything that writes is described for the program.

The rule: the engine itself never opens a database; a file's name in an instance is the business of `files.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Finding, FoundDatabase, MissingPrivilege, Server, Survey
from vya_backup.engines.commands import ReportPath
from vya_backup.engines.contract import Access, ConnectionSpec, Mending, RestoreRequest, Unfinished
from vya_backup.engines.dumping import DumpPart, DumpRequest
from vya_backup.engines.sqlite import drill, files, program_command, restoring
from vya_backup.engines.sqlite.observer import SqliteObserver, manifest_of, objects_of
from vya_backup.engines.sqlite.program import survey
from vya_backup.engines.steps import Steps
from vya_backup.engines.throwaway import Site, Throwaway
from vya_backup.engines.tools import Client, ToolSpec
from vya_backup.errors import BackupError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.new_account import AccountStatements, NewAccount

PRAGMAS = ("user_version", "application_id", "encoding", "journal_mode", "page_size", "auto_vacuum")


class SqliteEngine:
    """SQLite files of one folder or glob."""

    family = "sqlite"
    default_port: int | None = None
    content_suffix = "db"
    dump_tool = ToolSpec(names=(sys.executable,))
    load_tool = ToolSpec(names=(sys.executable,))
    server_tool = ToolSpec(names=(sys.executable,))

    def __init__(self, name: str) -> None:
        self.name = name
        self._known: dict[str, dict[str, Path]] = {}

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        """Describe a connection that only asks; None is a database in memory, where SQLite can be asked about itself.

        Raises:
            BackupError: there is no such file.
        """
        from sqlalchemy.engine import URL

        if database is None:
            return ConnectionSpec(URL.create("sqlite"), {})
        path = self._path(access.instance.path, database)
        if not path.exists():
            raise program_command.explain(1, f"missing: {path} does not exist")
        file = f"file:{quote(os.fsencode(os.path.abspath(path)))}"  # noqa: PTH100  # links keep their names
        url = URL.create("sqlite", database=file, query={**_mode(path), "uri": "true"})
        return ConnectionSpec(url, {"timeout": timeout_seconds}, ("PRAGMA query_only = ON",))

    def explain(self, error: Exception, access: Access) -> BackupError:
        """Turn SQLite's result code into an error of ours."""
        if isinstance(error, OSError):
            return program_command.explain(1, f"unreadable: {error.strerror}: {error.filename}")
        return program_command.explain_result(getattr(error, "sqlite_errorname", ""), str(error))

    def server(self, connection: Connection) -> Server:
        """Ask the library what it is."""
        version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
        return Server("sqlite", tuple(int(part) for part in version.split(".")), f"SQLite {version}")

    def databases(self, connection: Connection, access: Access) -> tuple[FoundDatabase, ...]:
        """List the instance's files; what cannot be read is listed with its problem.

        Raises:
            StorageFailed: a folder could not be read.
        """
        pattern = access.instance.path
        found = files.find(pattern)
        self._known[pattern] = {file.name: file.path for file in found}
        return tuple(FoundDatabase(file.name, _size(file.path), problem=file.problem) for file in found)

    def missing_privileges(self, connection: Connection, server: Server, database: str) -> tuple[MissingPrivilege, ...]:
        """Return nothing: whoever may read the file sees all of it."""
        return ()

    def new_account(
        self, connection: Connection | None, server: Server, account: NewAccount
    ) -> AccountStatements | None:
        """Return None: a file has no accounts."""
        return None

    def survey(self, connection: Connection, server: Server, database: str) -> Survey:
        """Ask what the database holds."""
        ask = _asker(connection)
        properties = {name: ask(f"PRAGMA {name}")[0][0] for name in PRAGMAS}
        path = Path(next(row[2] for row in ask("PRAGMA database_list") if row[1] == "main"))
        pages = int(ask("PRAGMA page_count")[0][0])
        return Survey(
            objects=objects_of(survey.schema(ask)),
            properties=properties | _file_properties(path),
            needs=Needs(flavour="sqlite"),
            size_bytes=pages * int(properties["page_size"]),
        )

    def blocked_seconds(self, connection: Connection, marker: str) -> float:
        """Return 0: SQLite does not tell who waits, so the copy itself lets writers pass between its pieces."""
        return 0.0

    def dump_problem(self, client: Client, server: Server) -> str:
        """Return nothing: the program and the questions use the same library."""
        return ""

    def dump(self, request: DumpRequest) -> tuple[DumpPart, ...]:
        """Describe the online backup: the file on standard output, what it holds in the report."""
        path = self._path(request.access.instance.path, request.database)
        scratch = request.scratch or program_command.scratch_folder()
        wait = f"{request.lock_wait_seconds:g}"
        return (DumpPart("database", program_command.program("dump", str(path), ReportPath(), str(scratch), wait)),)

    def explain_tool(self, tool: str, status: int, stderr: str) -> BackupError:
        """Turn the program's last line into an error of ours."""
        return program_command.explain(status, stderr)

    def observer(self) -> SqliteObserver:
        """Return a fresh observer."""
        return SqliteObserver()

    def count(self, connection: Connection, server: Server, database: str) -> Manifest:
        """Count every row of a restored database."""
        return manifest_of(survey.full(_asker(connection)))

    def target_exists(self, connection: Connection, request: RestoreRequest) -> bool:
        """Say whether the target is there already: `--to` may name a file that no instance lists."""
        return restoring.target_exists(request)

    def check_target(self, connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
        """Say where the file goes, and what stands against it."""
        return restoring.findings(request)

    def restore(self, request: RestoreRequest) -> Steps:
        """Describe the restore."""
        return restoring.steps(request)

    def place(self, request: RestoreRequest) -> str:
        """Return the target's file, as a later run cannot resolve it again once the source is gone."""
        return str(restoring.places(request).target)

    def mend(self, left: Unfinished) -> Mending:
        """Describe how what a dead restore left is put right."""
        return restoring.mend(left)

    def restore_words(self) -> Mapping[str, str]:
        """Return nothing: no target of SQLite needs a word beyond `--force`."""
        return {}

    def throwaway(self, site: Site) -> Throwaway:
        """Describe the private file of a drill."""
        return drill.throwaway(site)

    def stubs(self, connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
        """Return nothing: a file takes nothing for given."""
        return ()

    def drill_objections(self, connection: Connection, server: Server) -> tuple[str, ...]:
        """Refuse: a drill of a file needs no instance."""
        return ("files are drilled in a folder of their own",)

    def before_assertions(self) -> tuple[str, ...]:
        """Return nothing: a name means the same in every session."""
        return ()

    def drop(self, database: str) -> tuple[str, ...]:
        """Return nothing: the file goes with its folder."""
        return ()

    def _path(self, pattern: str, database: str) -> Path:
        """Return a file, by memory where discovery saw it: a look at a thousand files for each would be a million."""
        known = self._known.get(pattern, {}).get(database)
        return known if known is not None and known.exists() else files.locate(pattern, database)


def _mode(path: Path) -> dict[str, str]:
    """Return how to open a file for questions.

    A connection that may write leaves the folder of a WAL database as it found it, and rolls back what a crashed writer
    left; a read-only one leaves -wal and -shm files behind. `query_only` keeps it from writing anything else.
    """
    if restoring.is_staged(path):
        return {"mode": "ro", "immutable": "1"}
    return {"mode": "rw" if os.access(path, os.W_OK, effective_ids=True) else "ro"}


def _asker(connection: Connection) -> Callable[[str], list[Any]]:
    driver: Any = connection.connection.driver_connection
    driver.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a schema may hold bytes that are no UTF-8
    return lambda sql: list(driver.execute(sql).fetchall())


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _file_properties(path: Path) -> dict[str, str]:
    status = path.stat()
    return {"path": str(path), "mode": f"{status.st_mode & 0o7777:o}", "owner": f"{status.st_uid}:{status.st_gid}"}
