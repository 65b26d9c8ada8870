"""Real database servers for the tests: on temporary data folders and free loopback ports, unprivileged, ended by pid.

The words: a *kind* is one of `postgresql_15`, `postgresql_18`, `mariadb`, `mysql`; a `TestServer` is one running server
of a kind; `Servers` starts them and ends them all. Tests ask for the fixtures of `tests/conftest.py`.
`VYA_TEST_SERVERS=containers` takes the same servers from testcontainers.
"""

from tests.servers.base import ServerUnavailable, TestServer
from tests.servers.mysql import MySqlServer
from tests.servers.park import KINDS, Kind, Servers
from tests.servers.postgresql import PostgresqlServer

__all__ = ["KINDS", "Kind", "MySqlServer", "PostgresqlServer", "ServerUnavailable", "Servers", "TestServer"]
