"""A question that an account may not ask is passed over; one whose line is lost in the midst of it is not answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.engines.mysql import drive
from tests.servers import MySqlServer
from vya_backup.engines.mysql.connection import ask_server
from vya_backup.engines.mysql.definitions import definitions, routine_grants
from vya_backup.engines.mysql.privileges import Grants, ask_grants
from vya_backup.engines.mysql.system_users import protected
from vya_backup.errors import BackupError

VIEW = "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t;"
QUESTIONS: dict[str, tuple[str, Callable[[Connection, str], object]]] = {
    "whether it is a replica": ("SHOW REPLICA STATUS", lambda line, _: ask_server(line)),
    "what everybody may": ("SHOW GRANTS FOR PUBLIC", lambda line, _: ask_grants(line)),
    "what routines are granted": ("procs_priv", routine_grants),
    "what a view is": ("SHOW CREATE VIEW", definitions),
    "whom one may not act for": ("mysql.global_grants", lambda line, _: protected(line, Grants(), {"a@b"})),
}


def ask_over_a_line_that_is_cut(server: MySqlServer, database: str, name: str) -> None:
    """Ask, and let the server end the session when the one question comes that may be refused."""
    words, ask = QUESTIONS[name]
    with drive.ask(server, database) as line:
        (number,) = line.exec_driver_sql("SELECT CONNECTION_ID()").one()
        sessions = [number]

        def cut(_line: object, _cursor: object, statement: str, *_more: Any) -> None:
            if words in statement and sessions:
                server.sql(f"KILL {sessions.pop()}")

        event.listen(line, "before_cursor_execute", cut)
        ask(line, database)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_line_that_is_lost_is_no_refusal(server: MySqlServer, make: Callable[..., str], name: str) -> None:
    """Else a server would count as no replica, or grants as not there, because of a cable."""
    with pytest.raises(BackupError, match=r"Lost connection.* \[2013\]"):
        ask_over_a_line_that_is_cut(server, make(VIEW), name)
