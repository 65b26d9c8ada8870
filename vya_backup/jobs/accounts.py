"""Reads the accounts of a server as values: out of a stored `@users` backup, or from the live server into memory.

The rule: the text of an accounts dump holds hashes, so it never leaves this module; what does is masked or compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vya_backup.decisions.accounts import Account
from vya_backup.decisions.naming import USERS, Key
from vya_backup.engines import accounts_engine
from vya_backup.engines.accounts import AccountsEngine
from vya_backup.engines.answers import Gap, Server
from vya_backup.engines.choosing import choose_client
from vya_backup.engines.dumping import DumpObserver, DumpRequest, Observation
from vya_backup.errors import ArtifactDamaged, DumpFailed, PrivilegeMissing
from vya_backup.history.identifiers import new_id
from vya_backup.transport import pipeline, reading_back
from vya_backup.transport.compression import of_path
from vya_backup.transport.connections import connect
from vya_backup.transport.tools import find_client, stdbuf

if TYPE_CHECKING:
    from vya_backup.history.views import BackupRow
    from vya_backup.jobs.workspace import Workspace
    from vya_backup.settings.credentials import Purpose
    from vya_backup.settings.model import Instance
    from vya_backup.transport.storage import Store


@dataclass(frozen=True)
class Live:
    """The accounts of a server as they are now."""

    accounts: tuple[Account, ...]
    server: Server
    gaps: tuple[Gap, ...] = ()
    """What this account of ours could not read of them."""


def of_backup(workspace: Workspace, row: BackupRow) -> tuple[Account, ...]:
    """Return the accounts of a stored backup, whose file is read to its last byte and compared with the catalog.

    Raises:
        ArtifactDamaged: the file differs, breaks off, or is no accounts dump; nothing is appended about it.
        StorageFailed: it is not there, or cannot be read.
    """
    return of_file(workspace.store, row.path or "", accounts_engine(row.engine or ""), row.sha256 or "")


def of_file(store: Store, path: str, engine: AccountsEngine, sha256: str = "") -> tuple[Account, ...]:
    """Return the accounts of a stored file; `sha256` is what its bytes must give, empty where nobody knows.

    Raises:
        ArtifactDamaged, StorageFailed: as `of_backup` says.
    """
    kept = _Kept(engine.observer())
    seen = reading_back.unpack(store, path, of_path(path), kept)
    if seen.fault:
        raise ArtifactDamaged(f"{path} is damaged: {seen.fault}")
    if sha256 and seen.sha256 != sha256:
        raise ArtifactDamaged(f"{path} is damaged: its SHA-256 is {seen.sha256} instead of {sha256}")
    try:
        return engine.read(kept.content.decode())
    except ValueError as error:
        raise ArtifactDamaged(f"{path} holds no accounts that could be read: {_first_line(error)}") from None


def of_server(workspace: Workspace, instance: Instance, purpose: Purpose = "backup") -> Live:
    """Ask a server for its accounts; what a dump would hold is read into memory and nowhere else.

    Raises:
        PrivilegeMissing: the account of this purpose may not read them; the hint holds the GRANT.
        BackupError: the server cannot be reached, or a tool is missing or failed.
    """
    engine, access = accounts_engine(instance.type), workspace.access(instance, purpose)
    with connect(engine, access, USERS) as connection:
        server = engine.server(connection)
        for missing in engine.missing_privileges(connection, server, USERS):
            what = f"{Key(instance.id, USERS)}: the account lacks {missing.privilege}: {missing.reason}"
            raise PrivilegeMissing(what, f"Run on the server: {missing.remedy}")
        survey = engine.survey(connection, server, USERS)
    settings = workspace.configuration.backup
    request = DumpRequest(
        access=access,
        database=USERS,
        server=server,
        client=choose_client(engine, find_client(engine.dump_tool, settings.client_folders), server),
        survey=survey,
        marker=f"vya-backup-{new_id()}",
        lock_wait_seconds=settings.lock_wait_seconds,
        stdbuf=stdbuf(),
    )
    content = b"".join(pipeline.output(part.command, engine=engine) for part in engine.dump(request))
    try:
        return Live(engine.read(content.decode()), server, survey.gaps)
    except ValueError as error:
        raise DumpFailed(f"the accounts of {instance.id} could not be read: {_first_line(error)}") from None


def _first_line(error: ValueError) -> str:
    """Return what is wrong, without the text that could not be decoded."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start:,} is no UTF-8"
    return str(error).split("\n", 1)[0]


@dataclass
class _Kept:
    """Keeps what passes, beside the observer that judges it."""

    judge: DumpObserver
    content: bytearray = field(default_factory=bytearray, repr=False)

    def feed(self, chunk: bytes) -> None:
        self.content += chunk
        self.judge.feed(chunk)

    def end_part(self, name: str) -> None:
        self.judge.end_part(name)

    def note_report(self, report: str) -> None:
        self.judge.note_report(report)

    def finish(self) -> Observation:
        return self.judge.finish()
