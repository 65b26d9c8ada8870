"""Dumps that wait for locks, and sessions that wait behind dumps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.mysql import drive
from tests.servers import MySqlServer
from vya_backup.errors import DumpBlocked

Make = Callable[..., str]


def test_a_dump_behind_a_lock_is_seen_waiting(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """Somebody holds a table; the watcher counts the seconds; once it is free the dump ends well."""
    database = make("CREATE TABLE held (a int); INSERT INTO held VALUES (1);")
    _server, survey = drive.surveyed(server, database)
    dumped: list[int] = []
    with server.connect(database) as holder:
        holder.cursor().execute("LOCK TABLES held WRITE")
        work = threading.Thread(
            target=lambda: dumped.append(drive.dump_surveyed(server, database, survey, tmp_path).manifest.total_rows())
        )
        work.start()
        with drive.ask(server) as watcher:
            while not drive.engine_of(server).blocked_seconds(watcher, "marker"):
                assert work.is_alive()
                work.join(0.1)
        holder.cursor().execute("UNLOCK TABLES")
    work.join()
    assert dumped == [1]
    with drive.ask(server) as watcher:
        assert drive.engine_of(server).blocked_seconds(watcher, "marker") == 0


def test_mysqldump_gives_up_waiting_by_itself(mysql: MySqlServer, tmp_path: Path) -> None:
    """Its session has the configured lock_wait_timeout, so that it never queues in front of the application."""
    mysql.create_database("held_db")
    mysql.load("CREATE TABLE held (a int)", "held_db")
    _server, survey = drive.surveyed(mysql, "held_db")
    with mysql.connect("held_db") as holder:
        holder.cursor().execute("LOCK TABLES held WRITE")
        with pytest.raises(DumpBlocked):
            drive.dump_surveyed(mysql, "held_db", survey, tmp_path, lock_wait_seconds=1)
    mysql.drop_database("held_db")
