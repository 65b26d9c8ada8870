"""Drives the engine as the jobs do, with the real transport: dump into a file, load it back, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.servers import PostgresqlServer
from vya_backup.decisions.manifest import Manifest, differences
from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Finding, Server, Survey
from vya_backup.engines.choosing import choose_client
from vya_backup.engines.contract import Access, RestoreRequest
from vya_backup.engines.dumping import DumpRequest
from vya_backup.engines.postgresql import PostgresqlEngine
from vya_backup.engines.steps import Ask, Compare, Load, PointOfNoReturn, Sql, Step
from vya_backup.engines.tools import Client
from vya_backup.redaction import Secret
from vya_backup.transport import pipeline
from vya_backup.transport.compression import Compressor
from vya_backup.transport.connections import connect
from vya_backup.transport.decoding import decoded
from vya_backup.transport.stages import Digest
from vya_backup.transport.tools import find_client, stdbuf

ENGINE = PostgresqlEngine()
HOSTILE = Path(__file__).with_name("hostile.sql")


@dataclass
class Taken:
    """A dump, with all that was known of it."""

    path: Path
    database: str
    survey: Survey
    manifest: Manifest
    streamed: pipeline.Streamed
    needs: Needs


@dataclass
class Account:
    """Who dumps: the superuser unless named."""

    username: str = "postgres"
    password: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def at(self, server: PostgresqlServer) -> Access:
        """Return this account's access to a server."""
        return Access(server.instance(**self.more), self.username, Secret(self.password or server.password))


SUPERUSER = Account()


def client_of(server: PostgresqlServer, tool: str = "pg_dump") -> Client:
    """Return the client that belongs to the test server."""
    spec = replace(ENGINE.dump_tool, names=(tool,), folders=())
    own = [
        client for client in find_client(spec, (server.client_folder,)) if client.path.parent == server.client_folder
    ]
    return own[0]


def asked(server: PostgresqlServer, database: str, account: Account = SUPERUSER) -> tuple[Server, Survey]:
    """Survey a database."""
    with connect(ENGINE, account.at(server), database) as connection:
        told = ENGINE.server(connection)
        return told, ENGINE.survey(connection, told, database)


def dump(server: PostgresqlServer, database: str, path: Path, account: Account = SUPERUSER, **more: Any) -> Taken:
    """Survey and dump a database into a zstd file; `more` overrides fields of the request."""
    told, survey = asked(server, database, account)
    client = choose_client(ENGINE, [client_of(server)], told)
    request = DumpRequest(account.at(server), database, told, client, survey, "vya-test", 5, stdbuf())
    request = replace(request, **more)
    with path.open("wb") as sink:
        streamed = pipeline.dump(
            ENGINE.dump(request), _Sink(sink), ENGINE.observer(), engine=ENGINE, compressor=Compressor("zstd", 1)
        )
    needs = replace(survey.needs, client_version=request.client.version)
    return Taken(path, database, survey, streamed.observation.manifest, streamed, needs)


class _Sink:
    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, data: bytes) -> None:
        self.file.write(data)


def request_for(
    taken: Taken, server: PostgresqlServer, to: str, account: Account = SUPERUSER, **more: Any
) -> RestoreRequest:
    """Describe a restore of a dump into a server."""
    with connect(ENGINE, account.at(server)) as connection:
        told = ENGINE.server(connection)
    request = RestoreRequest(
        access=account.at(server),
        database=to,
        source_database=taken.database,
        server=told,
        client=client_of(server, "psql"),
        manifest=taken.manifest,
        properties=taken.survey.properties,
        needs=taken.needs,
        exists=to in server.databases(),
        staging=f"vya_staging_{to}"[:40],
        retired=f"vya_retired_{to}"[:40],
    )
    return replace(request, **more)


def findings(request: RestoreRequest) -> list[Finding]:
    """Ask what stands against a restore."""
    with connect(ENGINE, request.access) as connection:
        return list(ENGINE.check_target(connection, request))


def restore(taken: Taken, request: RestoreRequest, fail_at: str = "") -> list[str]:
    """Carry out a restore, with its undos on failure; return the purposes in order.

    A step whose purpose contains `fail_at` raises RuntimeError instead of being done.
    """
    steps, done, purposes, answer = ENGINE.restore(request), [], [], None
    try:
        while True:
            step = steps.send(answer)
            purposes.append(step.purpose)
            if fail_at and fail_at in step.purpose:
                raise RuntimeError(fail_at)
            answer = act(step, taken, request)
            done = [] if isinstance(step, PointOfNoReturn) else [*done, step]
    except StopIteration:
        return purposes
    except BaseException:
        for undo in _undos(done):
            act(undo, taken, request)
        raise


def act(step: Step, taken: Taken, request: RestoreRequest) -> Any:
    """Do one step."""
    match step:
        case Sql():
            with connect(ENGINE, request.access, step.database) as connection:
                for statement in ("BEGIN", *step.statements, "COMMIT") if step.transaction else step.statements:
                    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        case Load():
            spans = tuple(span for span in taken.manifest.parts if span.name in step.parts)
            pipeline.load(taken.path, "zstd", step.command, engine=ENGINE, spans=spans)
        case Ask():
            with connect(ENGINE, request.access, step.database) as connection:
                return step.question(connection)
        case Compare():
            found = differences(taken.manifest, counted(request, step.database))
            assert not found, found
    return None


def counted(request: RestoreRequest, database: str) -> Manifest:
    """Count what a database holds."""
    with connect(ENGINE, request.access, database) as connection:
        return ENGINE.count(connection, request.server, database)


def _undos(done: list[Step]) -> Iterator[Step]:
    for step in reversed(done):
        yield from getattr(step, "undo", ())


def lines(taken: Taken) -> list[bytes]:
    """Return a dump's lines, without those that name versions or the random key of `restrict`."""
    text = b"".join(decoded(taken.path, "zstd", Digest()))
    noise = (b"\\restrict ", b"\\unrestrict ", b"-- Dumped ")
    return [line for line in text.split(b"\n") if not line.startswith(noise)]
