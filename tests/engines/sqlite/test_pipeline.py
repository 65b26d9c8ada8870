"""The engine's commands in the project's own transport: what the program reports reaches the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.sqlite.conftest import EVERYTHING
from tests.engines.sqlite.drive import access_to, fresh_engine
from vya_backup.engines.dumping import DumpRequest
from vya_backup.errors import DumpFailed
from vya_backup.transport import pipeline, reading_back
from vya_backup.transport.compression import Compressor
from vya_backup.transport.connections import connect
from vya_backup.transport.storage import Store
from vya_backup.transport.tools import find_client

Make = Callable[..., Path]


def streamed(path: Path, store: Store) -> pipeline.Streamed:
    engine, access = fresh_engine(), access_to(path)
    with connect(engine, access, path.stem) as connection:
        server = engine.server(connection)
        survey = engine.survey(connection, server, path.stem)
    (client, *_) = find_client(engine.dump_tool)
    request = DumpRequest(access, path.stem, server, client, survey, "marker", 5)
    with store.draft("dump.db.gz") as draft:
        done = pipeline.dump(
            engine.dump(request), draft, engine.observer(), engine=engine, compressor=Compressor("gzip", "auto")
        )
        draft.publish()
    return done


def test_a_thousand_tables_are_all_in_the_manifest(make: Make, tmp_path: Path) -> None:
    """The report may be far longer than what is kept of standard error."""
    tables = "".join(f"CREATE TABLE table_of_the_year_{n} (x); " for n in range(1000))
    store = Store(tmp_path / "store")

    done = streamed(make("wide.db", f"{EVERYTHING}BEGIN; {tables}COMMIT;"), store)

    assert done.observation.surveyed
    assert done.observation.manifest.count("table") > 1000
    back = reading_back.unpack(store, "dump.db.gz", "gzip", fresh_engine().observer())
    assert (back.fault, back.plain_sha256) == ("", done.plain_sha256)
    assert back.observation is not None
    assert not back.observation.surveyed


def test_a_failure_of_the_program_is_told_in_our_words(make: Make, tmp_path: Path) -> None:
    """And nothing is published."""
    path = make("shop.db", "CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(20000));")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    store = Store(tmp_path / "store")

    with pytest.raises(DumpFailed, match=r"malformed|integrity check"):
        streamed(path, store)

    assert list(store.walk()) == []
