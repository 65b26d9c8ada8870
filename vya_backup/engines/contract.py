"""What an engine is: it describes commands and asks questions of an open connection; it runs and opens nothing.

Here are `Engine` itself and what it is asked with; `commands` and `steps` have what it describes, `answers` what a
server says, `dumping` what a dump is made of. The transport runs the commands, the jobs decide. Adding an engine is one
module (or folder) that satisfies `Engine`, one entry in `engines/__init__.py`, and a few lines of contract test.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Finding, FoundDatabase, MissingPrivilege, Server, Survey
from vya_backup.engines.stages import Stage
from vya_backup.engines.steps import Ask, Run, Sql, Steps
from vya_backup.engines.tools import Client, ToolSpec
from vya_backup.errors import BackupError
from vya_backup.redaction import Secret
from vya_backup.settings.model import Instance

if TYPE_CHECKING:  # sqlalchemy takes 0.2 s to import; only what talks to a server pays for it
    from sqlalchemy import Connection
    from sqlalchemy.engine import URL

    # these two are made of what stands here
    from vya_backup.engines.dumping import DumpObserver, DumpPart, DumpRequest
    from vya_backup.engines.new_account import AccountStatements, NewAccount
    from vya_backup.engines.throwaway import Site, Throwaway


@dataclass(frozen=True)
class Access:
    """One instance and the account for it."""

    instance: Instance
    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    answer_seconds: float | None = None
    """How long a connection may last, after which its server counts as hung; None: until the run is stopped."""


@dataclass(frozen=True)
class ConnectionSpec:
    """How SQLAlchemy reaches a database; the statements run first on every new connection."""

    url: URL
    connect_args: Mapping[str, Any]
    first_statements: tuple[str, ...] = ()
    opened: Callable[[Any], int] | None = None
    """Called with the driver's own open connection; returns its socket's descriptor, so that it can be cut off."""
    connect: Callable[..., Any] | None = None
    """Opens one with `connect_args`, where the driver's own way is not what is wanted."""


@dataclass(frozen=True)
class RestoreRequest:
    """All that a restore's description depends on."""

    access: Access
    database: str
    """The name it gets."""
    source_database: str
    """The name it had."""
    server: Server
    client: Client | None
    manifest: Manifest
    properties: Mapping[str, Any]
    needs: Needs
    exists: bool
    """Whether the target exists and holds something; then `staging` is swapped in and the old one goes to `retired`."""
    staging: str
    retired: str
    allow: frozenset[str] = frozenset()
    """Words said on the command line, such as `drop-slots`."""
    stage: Stage = Stage.WHOLE
    """What of it is restored, where several databases come back together."""


@dataclass(frozen=True)
class Unfinished:
    """A restore whose process died, as its `restore_started` told it."""

    access: Access
    database: str
    """The name it should have got."""
    staging: str
    retired: str
    place: str = ""
    """What `Engine.place` said; empty for servers, and in events of older programs."""
    created: bool = False
    """Whether nothing stood under the name when it began."""


Mending = Generator[Sql | Run | Ask, Any, str]
"""The steps that put a dead restore's leftovers right; returns what only a person can do, or an empty text."""


# --------------------------------------------------------------------------- the engine


class Engine(Protocol):
    """One flavour of database. Methods with a `connection` only ask questions of it."""

    name: str
    family: str
    """Dumps go back only to the same family: `postgresql`, `mysql` (MySQL), `mariadb`, `sqlite`."""
    default_port: int | None
    content_suffix: str
    """`sql` or `db`."""
    dump_tool: ToolSpec
    load_tool: ToolSpec
    server_tool: ToolSpec
    """The program that a private server of a drill runs; where there is no server, what opens the file."""

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        """Describe a connection; None is the maintenance database. TLS as the instance demands."""

    def explain(self, error: Exception, access: Access) -> BackupError:
        """Turn a driver's exception into ours: unreachable, login, privilege, blocked …, without row values."""

    def server(self, connection: Connection) -> Server:
        """Ask the server what it is."""

    def databases(self, connection: Connection, access: Access) -> tuple[FoundDatabase, ...]:
        """List every database, system ones marked, without exclusions applied.

        Raises:
            BackupError: the list could not be read ("could not look" is not "nothing there").
        """

    def missing_privileges(self, connection: Connection, server: Server, database: str) -> tuple[MissingPrivilege, ...]:
        """Prove from the account's grants that it sees everything; return what is missing."""

    def new_account(
        self, connection: Connection | None, server: Server, account: NewAccount
    ) -> AccountStatements | None:
        """Return what makes the account that may dump everything and no more, and whether it is there already.

        `connection` is an administrator's; without one the statements are for somebody who has one. None: there are no
        accounts.

        Raises:
            PrivilegeMissing: this server has no way to give an account that much and no more.
        """

    def survey(self, connection: Connection, server: Server, database: str) -> Survey:
        """Ask what the database holds. `connection` is open on that database."""

    def blocked_seconds(self, connection: Connection, marker: str) -> float:
        """Return the longest time that another session has been waiting behind the marked dump; 0 when none is."""

    def dump_problem(self, client: Client, server: Server) -> str:
        """Return why this client cannot dump this server (too old, other family), or an empty text."""

    def dump(self, request: DumpRequest) -> tuple[DumpPart, ...]:
        """Describe the commands whose outputs, one after the other, are the dump."""

    def explain_tool(self, tool: str, status: int, stderr: str) -> BackupError:
        """Turn a tool's failure into ours; the message holds code, object and first line, no row values."""

    def observer(self) -> DumpObserver:
        """Return a fresh observer for this engine's dumps."""

    def count(self, connection: Connection, server: Server, database: str) -> Manifest:
        """Survey a restored database with exact row counts and sequence values, in the manifest's spellings."""

    def target_exists(self, connection: Connection, request: RestoreRequest) -> bool:
        """Say whether there is something under the target's name, be it empty."""

    def check_target(self, connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
        """Say what stands against loading there, or should be known before: replica, roles, definers, extensions …"""

    def restore(self, request: RestoreRequest) -> Steps:
        """Describe the restore, step by step; each step's `undo` takes it back."""

    def place(self, request: RestoreRequest) -> str:
        """Return the file that the restore goes to, for the event; empty where the server alone knows."""

    def mend(self, left: Unfinished) -> Mending:
        """Describe how what a dead restore left is put right: its staging goes, the old or the new database stands.

        Only what `left` names is ever dropped, and `retired` only while the restored database stands.
        """

    def restore_words(self) -> Mapping[str, str]:
        """Return the extra words its `check_target` may ask for, with their meaning: `{"drop-slots": "…"}`."""

    def throwaway(self, site: Site) -> Throwaway:
        """Describe a private server for one drill: its making, its running, the way to it. Nobody else ever sees it."""

    def stubs(self, connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
        """Return the statements that make, on a private server, the roles and definers that the dump takes for given.

        What cannot be made there (extensions, storage engines) is left for `check_target` to name.
        """

    def drill_objections(self, connection: Connection, server: Server) -> tuple[str, ...]:
        """Say why this account on this server that others use must not run a drill: a superuser, events that run."""

    def before_assertions(self) -> tuple[str, ...]:
        """Return what makes a session find what an application finds, before an operator's question is asked in it."""

    def drop(self, database: str) -> tuple[str, ...]:
        """Return the statements that remove what a drill restored on a server that others use."""
