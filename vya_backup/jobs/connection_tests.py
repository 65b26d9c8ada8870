"""Tries every instance at once: reachable, TLS, version, client tool, privileges. Nothing is written anywhere.

The rule: an instance that does not answer in its time is reported so, and never holds up the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

from vya_backup.clock import monotonic
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.naming import USERS
from vya_backup.engines import accounts_engine, engine_for, has_accounts
from vya_backup.engines.answers import MissingPrivilege, Server
from vya_backup.engines.choosing import choose_client
from vya_backup.engines.contract import Access, Engine
from vya_backup.engines.tools import Client
from vya_backup.errors import BackupError, ServerUnreachable
from vya_backup.jobs.discovery import sort_out
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.model import Configuration, Instance
from vya_backup.transport.connections import connect
from vya_backup.transport.threads import start
from vya_backup.transport.tools import find_client

TIMEOUT_SECONDS = 10.0
PRIVILEGE_SHARE = 0.5  # of the time goes into asking database by database; the rest is left for slow servers


@dataclass(frozen=True)
class ConnectionReport:
    """What one instance answered; `problems` are full sentences with their remedy, empty when all is well."""

    instance: str
    server: str = ""
    """Flavour and version, as the server tells them: `mariadb 10.11.14`."""
    tls: str = ""
    """Protocol and cipher; empty for a plain connection."""
    client: str = ""
    """The tool that would dump, with its version; empty when none can."""
    databases: int = 0
    databases_checked: int = 0
    """Of how many the privileges were proved in the time there was."""
    problems: tuple[str, ...] = ()
    tool_problems: tuple[str, ...] = ()
    """Those of the problems that a missing or old client tool makes."""
    privilege_problems: tuple[str, ...] = ()
    """Those of the problems that a `GRANT` mends."""

    @property
    def ok(self) -> bool:
        """Say whether this instance can be backed up as far as can be seen from here."""
        return not self.problems

    @property
    def lines(self) -> tuple[str, ...]:
        """Return one line that says it all, and one more below it for each problem."""
        if not self.server:
            return (f"{self.instance}: failed: {self.problems[0].removeprefix(f'{self.instance}: ')}",)
        line = self.tls.partition(" ")[0] or "no TLS"
        facts = (self.server, line, self.client or "no usable client", self._checked)
        verdict = "ok" if self.ok else "failed"
        return (f"{self.instance}: {verdict}: {', '.join(facts)}", *(f"  - {problem}" for problem in self.problems))

    @property
    def _checked(self) -> str:
        if self.databases_checked < self.databases:
            return f"privileges checked in {self.databases_checked} of {self.databases} databases"
        return counted(self.databases, "database") if self.databases else "no database to be seen"


def test_connections(
    configuration: Configuration,
    credentials: CredentialStore,
    instances: Sequence[Instance],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,  # noqa: PT028  # a command's test, none of pytest's
) -> list[ConnectionReport]:
    """Try the instances side by side; return one report each, in their order, after at most `timeout_seconds`."""
    trial = _Trial(configuration, credentials, timeout_seconds)
    deadline = monotonic() + timeout_seconds
    answers = [(instance, trial.begin(instance)) for instance in instances]
    return [_awaited(instance, answer, deadline, timeout_seconds) for instance, answer in answers]


def _awaited(
    instance: Instance, answer: Future[ConnectionReport], deadline: float, timeout_seconds: float
) -> ConnectionReport:
    try:
        return answer.result(timeout=max(0.0, deadline - monotonic()))
    except TimeoutError:
        silent = ServerUnreachable(f"{instance.id} did not answer within {timeout_seconds:g} s", "Look at its load.")
        return ConnectionReport(instance.id, problems=(str(silent),))


@dataclass(frozen=True)
class _Trial:
    configuration: Configuration
    credentials: CredentialStore
    timeout_seconds: float

    def begin(self, instance: Instance) -> Future[ConnectionReport]:
        """Try an instance in a thread that the end of the program does not wait for."""
        answer: Future[ConnectionReport] = Future()

        def run() -> None:
            try:
                answer.set_result(self.report(instance))
            except BaseException as error:  # noqa: BLE001  # raised again where the answer is awaited
                answer.set_exception(error)

        start(Thread(target=run, name=f"connection test of {instance.id}", daemon=True), "to test connections")
        return answer

    def report(self, instance: Instance) -> ConnectionReport:
        """Ask one instance everything."""
        try:
            return self._asked(instance)
        except BackupError as error:
            return ConnectionReport(instance.id, problems=(str(error),))

    def _asked(self, instance: Instance) -> ConnectionReport:
        engine, access = engine_for(instance.type), self._access(instance)
        with connect(engine, access, timeout_seconds=self.timeout_seconds) as connection:
            server = engine.server(connection)
            found = engine.databases(connection, access)
        discovery = sort_out(instance, found, server.banner)
        client, client_problems = self._client(engine, server)
        usable = [name for name in discovery.selected if name not in discovery.problems]
        missing, checked = self._privileges(engine, access, server, usable)
        lacking, accounts_client = self._accounts(access, server)
        missing += lacking
        unusable = [f"{name} cannot be dumped: {why}" for name, why in discovery.problems.items()]
        absent = [f"{name} is listed, but not on the server" for name in discovery.absent]
        return ConnectionReport(
            instance=instance.id,
            server=f"{server.flavour} {_dotted(server.version)}",
            tls=server.tls,
            client=f"{client.path.name} {_dotted(client.version)}" if client else "",
            databases=len(discovery.selected),
            databases_checked=checked,
            problems=(
                *(*client_problems, *_flavour_problem(instance, server)),
                *(*missing, *accounts_client, *unusable, *absent),
            ),
            tool_problems=(*client_problems, *accounts_client),
            privilege_problems=tuple(missing),
        )

    def _access(self, instance: Instance) -> Access:
        login = self.credentials.access(instance)
        return Access(instance, login.username, login.password)

    def _client(self, engine: Engine, server: Server) -> tuple[Client | None, tuple[str, ...]]:
        found = find_client(engine.dump_tool, self.configuration.backup.client_folders)
        try:
            return choose_client(engine, found, server), ()
        except BackupError as error:
            return None, (str(error),)

    def _privileges(
        self, engine: Engine, access: Access, server: Server, names: Sequence[str]
    ) -> tuple[list[str], int]:
        enough = monotonic() + self.timeout_seconds * PRIVILEGE_SHARE
        problems: dict[str, list[str]] = {}
        checked = 0
        for name in names:
            if checked and monotonic() > enough:
                break
            with connect(engine, access, name, timeout_seconds=self.timeout_seconds) as connection:
                for missing in engine.missing_privileges(connection, server, name):
                    problems.setdefault(_sentence(missing), []).append(name)
            checked += 1
        return [f"{_some(databases)}: {sentence}" for sentence, databases in problems.items()], checked

    def _accounts(self, access: Access, server: Server) -> tuple[list[str], tuple[str, ...]]:
        """Say which privileges and tools the accounts of an instance lack for their backup, where they are wanted."""
        if not (access.instance.users and has_accounts(access.instance.type)):
            return [], ()
        engine = accounts_engine(access.instance.type)
        with connect(engine, access, USERS, timeout_seconds=self.timeout_seconds) as connection:
            missing = engine.missing_privileges(connection, server, USERS)
        _, no_client = self._client(engine, server)
        return [f"{USERS}: {_sentence(one)}, or set users: false" for one in missing], no_client


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _sentence(missing: MissingPrivilege) -> str:
    return f"{missing.privilege} is missing: {missing.reason}; run: {missing.remedy}"


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _flavour_problem(instance: Instance, server: Server) -> tuple[str, ...]:
    if server.flavour == instance.type:
        return ()
    return (f"the server is {server.flavour}, but the configuration says type: {instance.type}; correct it",)
