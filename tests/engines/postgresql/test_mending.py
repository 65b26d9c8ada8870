"""What a dead restore left is put right, also where the mending itself is cut off behind any of its statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.postgresql import drive
from tests.servers import PostgresqlServer
from vya_backup.engines.contract import Unfinished
from vya_backup.errors import TimedOut
from vya_backup.jobs import mending
from vya_backup.jobs.mending import put_right
from vya_backup.jobs.restore_acts import execute

OLD, STAGING, RETIRED = "vya_mended", "vya_staging_mended", "vya_retired_mended"


@pytest.mark.parametrize("statements", [0, 1, 2])
def test_an_old_database_is_opened_again_wherever_its_mending_is_cut_off(
    postgresql_15: PostgresqlServer, database: Callable[..., str], monkeypatch: pytest.MonkeyPatch, statements: int
) -> None:
    """The restore had closed it, to swap it; the next mending finds nothing that could tell it so but the staging."""
    for name in (OLD, STAGING):
        database(name)
    postgresql_15.sql(f"ALTER DATABASE {OLD} ALLOW_CONNECTIONS false")
    left = Unfinished(drive.SUPERUSER.at(postgresql_15), OLD, STAGING, RETIRED)
    done: list[object] = []

    def answer_is_lost(*words: Any) -> None:
        if len(done) < statements:
            done.append(execute(*words))
        if len(done) >= statements:
            raise TimedOut("the server did not answer in time")

    monkeypatch.setattr(mending, "execute", answer_is_lost)
    with pytest.raises(TimedOut):
        put_right(drive.ENGINE, left)
    monkeypatch.undo()
    assert put_right(drive.ENGINE, left).left == ""
    assert postgresql_15.sql("SELECT current_database()", OLD) == [(OLD,)]
    assert STAGING not in postgresql_15.databases()
