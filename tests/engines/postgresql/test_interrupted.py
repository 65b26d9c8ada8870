"""PostgreSQL: a dump that loses its server is a failure, and a large one is none."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engines.postgresql import drive
from tests.servers import PostgresqlServer
from vya_backup.engines.dumping import DumpRequest
from vya_backup.errors import BackupError, DumpDisturbed
from vya_backup.transport import pipeline
from vya_backup.transport.compression import Compressor

Make = Callable[..., str]
BIG = "CREATE TABLE big AS SELECT md5(i::text) || md5((i + 1)::text) AS v FROM generate_series(1, 400000) i"


@dataclass
class Tripwire:
    """A sink that calls once, when the first stored bytes arrive: the dump is under way then."""

    call: Callable[[], Any]
    size: int = 0

    def write(self, data: bytes) -> None:
        """Call on the first bytes."""
        if data and not self.size:
            self.call()
        self.size += len(data)


def interrupted(server: PostgresqlServer, database: str, call: Callable[[], Any]) -> BackupError:
    """Return how a dump fails when `call` happens in its middle."""
    told, survey = drive.asked(server, database)
    access = drive.SUPERUSER.at(server)
    request = DumpRequest(access, database, told, drive.client_of(server), survey, "vya-victim", 5)
    observer = drive.ENGINE.observer()
    with pytest.raises(BackupError) as caught:
        pipeline.dump(
            drive.ENGINE.dump(request),
            Tripwire(call),
            observer,
            engine=drive.ENGINE,
            compressor=Compressor("zstd", 1),
        )
    assert not observer.finish().complete
    return caught.value


def test_a_session_ended_by_the_administrator_passes(postgresql_15: PostgresqlServer, database: Make) -> None:
    """The next attempt may go through."""
    database("large", BIG)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vya-victim'"

    error = interrupted(postgresql_15, "large", lambda: postgresql_15.sql(end))

    assert isinstance(error, DumpDisturbed)
    assert error.passes


def test_a_server_killed_in_mid_dump_fails_the_dump(fresh_server: Callable[..., Any]) -> None:
    """Killed by pid, the backend first: pg_dump loses the connection, and what it wrote is no dump."""
    server = fresh_server("postgresql_15")
    server.create_database("large")
    server.sql(BIG, "large")

    def kill() -> None:
        ((pid,),) = server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'vya-victim'")
        server.kill()
        os.kill(pid, signal.SIGKILL)

    assert isinstance(interrupted(server, "large", kill), DumpDisturbed)


def test_a_thousand_tables_are_surveyed_dumped_and_restored(
    postgresql_15: PostgresqlServer, database: Make, tmp_path: Path
) -> None:
    """Never in one transaction, for which the lock table would be too small."""
    make = """DO $$ BEGIN FOR i IN 1..1000 LOOP
        EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY)', i); END LOOP; END $$"""
    database("many", make)

    taken = drive.dump(postgresql_15, "many", tmp_path / "dump")
    drive.restore(taken, drive.request_for(taken, postgresql_15, "copy"))

    assert len(taken.manifest.rows) == len(taken.manifest.sequences) == 1000
