"""The test servers themselves: real, private, and gone when they should be."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from tests.servers import KINDS, PostgresqlServer, Servers, ServerUnavailable

WANTED = {"postgresql_15": (15,), "postgresql_18": (18,), "mariadb": (10,), "mysql": (9,)}
HOSTILE = ["plain", "a b", "quo'te", 'dou"ble', "back`tick", "50%", "a/b", "-h", "..", "x" * 63, "новый", "dbname=x"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_of_each_kind_runs_unprivileged_on_loopback(servers: Servers, kind: Any) -> None:
    """Each kind is the vendor's own server of the wanted version, never run by root."""
    server = servers.shared(kind)
    assert server.version[:1] == WANTED[kind]
    assert server.host == "127.0.0.1"
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


@pytest.mark.parametrize("kind", KINDS)
def test_databases_of_any_name_come_and_go(servers: Servers, kind: Any) -> None:
    """Names with blanks, quotes, slashes and dashes are made and dropped as they are."""
    server = servers.shared(kind)
    for name in HOSTILE:
        server.create_database(name)
        server.load("CREATE TABLE t (a int); INSERT INTO t VALUES (1);", name)
        assert server.sql("SELECT a FROM t", name) == [(1,)]
    assert set(HOSTILE) <= set(server.databases())
    for name in HOSTILE:
        server.drop_database(name)
    assert not set(HOSTILE) & set(server.databases())


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_server_comes_back_with_its_data(fresh_server: Callable[..., Any], kind: Any) -> None:
    """`kill` is a crash; `start` recovers on the same port."""
    server = fresh_server(kind)
    server.create_database("kept")
    port = server.port
    server.kill()
    assert not server.is_ready()
    server.start()
    assert server.port == port
    assert "kept" in server.databases()


@pytest.mark.parametrize("kind", KINDS)
def test_settings_of_a_fresh_server_are_its_own(fresh_server: Callable[..., Any], kind: Any) -> None:
    """A test may start a server with the settings it needs, and a password of its own."""
    server = fresh_server(kind, max_connections="33", password="another one")
    assert server.password == "another one"
    show = "SHOW max_connections" if kind.startswith("postgresql") else "SELECT CAST(@@max_connections AS CHAR)"
    assert server.sql(show) == [("33",)]


@pytest.mark.parametrize("kind", ["postgresql_15", "postgresql_18"])
def test_postgresql_tls_can_be_verified_and_can_fail(servers: Servers, kind: Any) -> None:
    """`verify-full` passes for localhost with our authority, and fails for another name or another authority."""
    server = servers.shared(kind)
    assert isinstance(server, PostgresqlServer)
    verified = {"sslmode": "verify-full", "sslrootcert": str(server.certificates.ca)}
    with server.connect(host="localhost", **verified) as connection:
        assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchall() == [(True,)]
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        server.connect(host="127.0.0.1", **verified)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        server.connect(host="localhost", sslmode="verify-full", sslrootcert=str(server.certificates.stranger_ca))


@pytest.mark.parametrize("kind", ["mariadb", "mysql"])
def test_mysql_tls_can_be_verified_and_can_fail(servers: Servers, kind: Any) -> None:
    """The same for MySQL and MariaDB."""
    server: Any = servers.shared(kind)
    tls = {"ssl_verify_cert": True, "ssl_verify_identity": True}
    with server.connect(host="localhost", ssl_ca=str(server.certificates.ca), **tls) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_version'")
        assert cursor.fetchall()[0][1].startswith("TLSv1.")
    with pytest.raises(pymysql.OperationalError, match="IP address mismatch"):
        server.connect(host="127.0.0.1", ssl_ca=str(server.certificates.ca), **tls)
    with pytest.raises(pymysql.OperationalError, match="certificate verify failed"):
        server.connect(host="localhost", ssl_ca=str(server.certificates.stranger_ca), **tls)


@pytest.mark.parametrize("kind", ["mariadb", "mysql"])
def test_mysql_servers_are_as_hostile_as_production(servers: Servers, kind: Any) -> None:
    """Events run, the binary log is on, and function creators are not trusted."""
    names = "@@event_scheduler, @@log_bin, @@log_bin_trust_function_creators"
    assert servers.shared(kind).sql(f"SELECT {names}") == [("ON", 1, 0)]


def test_a_postgresql_standby_follows_its_primary(fresh_server: Callable[..., Any]) -> None:
    """`follows` gives a hot standby, which refuses writes."""
    primary = fresh_server("postgresql_15")
    standby = fresh_server("postgresql_15", follows=primary)
    assert standby.sql("SELECT pg_is_in_recovery()") == [(True,)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        standby.create_database("refused")


def test_a_mariadb_replica_follows_its_primary_and_is_read_only(fresh_server: Callable[..., Any]) -> None:
    """`follows` gives a replica that replays what the primary wrote."""
    primary = fresh_server("mariadb")
    primary.create_database("replicated")
    replica = fresh_server("mariadb", follows=primary)
    position = primary.sql("SELECT @@gtid_binlog_pos")[0][0]
    assert replica.sql("SELECT MASTER_GTID_WAIT(%s, 30)", parameters=[position]) == [(0,)]
    assert "replicated" in replica.databases()
    assert replica.sql("SELECT @@read_only") == [(1,)]


@pytest.mark.parametrize("kind", ["postgresql_15", "mariadb"])
def test_servers_end_when_their_tests_are_killed(kind: str) -> None:
    """SIGKILL to the tests leaves no server behind, and the next tests sweep its folder."""
    program = (
        "import sys; from tests.servers import Servers\n"
        f"park = Servers(); server = park.fresh({kind!r}); print(server.pid, park.folder, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) as tests:
        assert tests.stdout
        pid, folder = tests.stdout.readline().split()
        server = os.pidfd_open(int(pid))
        tests.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([server], [], [], 60)
    os.close(server)
    assert ended
    Servers().close()
    assert not Path(folder).exists()


def test_a_server_that_cannot_be_had_names_the_remedy(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An empty cache is a failure with the line that mends it, never a skip."""
    monkeypatch.setenv("VYA_TEST_CACHE", str(tmp_path))
    with pytest.raises(ServerUnavailable, match="Run `scripts/test` once as root"):
        servers.fresh("mysql")
