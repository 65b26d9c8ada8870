"""How a server of this family is called, and what is shown of it before a restore."""

from __future__ import annotations

import pytest

from tests.engines.mysql import drive
from tests.servers import MySqlServer
from vya_backup.engines.mysql.connection import _title


@pytest.mark.parametrize(
    ("version", "comment", "title"),
    [
        ("9.7.4-2", "(Debian)", "MySQL 9.7.4-2 (Debian)"),
        ("8.0.36", "", "MySQL 8.0.36"),
        ("10.11.19-MariaDB-0+deb12u1", "Debian 12", "MariaDB 10.11.19-0+deb12u1 (Debian 12)"),
        ("5.5.5-10.6.18-MariaDB-log", "", "MariaDB 10.6.18-log"),
    ],
)
def test_the_name_comes_first(version: str, comment: str, title: str) -> None:
    """`(Debian) 9.7.4-2` says nothing to a tired reader."""
    assert _title("mariadb" if "MariaDB" in version else "mysql", version, comment) == title


def test_only_what_matters_for_a_decision_is_shown(mysql: MySqlServer) -> None:
    """Account, binary log, GTID, event scheduler: one line."""
    with drive.ask(mysql) as connection:
        facts = drive.engine_of(mysql).server(connection).facts
    assert list(facts) == ["account", "binary log", "GTID", "event scheduler"]
