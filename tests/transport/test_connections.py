"""Connections to real servers: opened as the instance demands, and every failure leaves as ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.servers import TestServer
from vya_backup.engines import engine_for
from vya_backup.engines.contract import Access
from vya_backup.errors import BackupError, LoginRefused, ServerUnreachable
from vya_backup.redaction import Secret
from vya_backup.settings.model import Instance
from vya_backup.transport.connections import connect

SERVERS = ("postgresql_15", "mariadb", "mysql")
PASSWORDS = (
    "'\"`\\ #=%:;,/{}[]()<>&|!?*~^$@+-_",
    "  blanks at both ends\t",
    "%(name)s %s {0} $HOME ${HOME} $(id) `id`",
    "пароль-密码-🔑-ü-é",
    "\\n\\t\\0\\\\",
    "x" * 200,
    "\x01\x1f\x7f",
)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> TestServer:
    """Each kind of server in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, TestServer)
    return found


def failure(access: Access, database: str | None = None) -> BackupError:
    """Connect where it must fail; return how."""
    with pytest.raises(BackupError) as caught, connect(engine_for(access.instance.type), access, database):
        pass
    return caught.value


def scalar(access: Access, question: str) -> Any:
    """Ask for one value."""
    with connect(engine_for(access.instance.type), access) as connection:
        return connection.exec_driver_sql(question).scalar_one()


def test_a_wrong_password_is_refused_without_showing_it(server: TestServer) -> None:
    """The login, not the server, is at fault; another attempt makes no sense."""
    error = failure(replace(server.access(), password=Secret("hunter2hunter2")))
    assert isinstance(error, LoginRefused)
    assert not error.passes
    assert "hunter2" not in f"{error}{error!r}{error.__cause__}"


def test_a_server_that_does_not_run_is_unreachable(server: TestServer, unused_tcp_port: int) -> None:
    """A later attempt may succeed."""
    error = failure(server.access(port=unused_tcp_port))
    assert isinstance(error, ServerUnreachable)
    assert error.passes


def test_a_host_name_that_does_not_exist_is_unreachable(server: TestServer) -> None:
    """`.invalid` never resolves (RFC 2606)."""
    assert isinstance(failure(server.access(host="db.invalid", ssl={"enabled": False})), ServerUnreachable)


def test_a_missing_database_is_an_error_of_ours(server: TestServer) -> None:
    """On opening."""
    assert "no_such_db" in str(failure(server.access(), "no_such_db"))


def test_an_error_inside_the_block_is_explained_too(server: TestServer) -> None:
    """Through SQLAlchemy or through a bare cursor."""
    engine, access = engine_for(server.engine), server.access()
    with pytest.raises(BackupError), connect(engine, access) as connection:
        connection.exec_driver_sql("SELECT nothing FROM nowhere.at_all")
    with pytest.raises(BackupError), connect(engine, access) as connection:
        connection.connection.cursor().execute("SELECT nothing FROM nowhere.at_all")


def test_a_connection_that_the_server_ends_inside_the_block_is_explained(server: TestServer) -> None:
    """As a restart in the middle would."""
    endings = {"postgresql": "SELECT pg_terminate_backend(pg_backend_pid())"}
    ending = endings.get(server.engine, "KILL CONNECTION_ID()")
    with pytest.raises(BackupError), connect(engine_for(server.engine), server.access()) as connection:
        connection.exec_driver_sql(ending)  # the answer is the error


def test_an_error_of_the_caller_passes_unchanged(server: TestServer) -> None:
    """A full disk inside the block is no failure of the server."""
    with pytest.raises(OSError, match="disk full"), connect(engine_for(server.engine), server.access()):
        raise OSError("disk full")


def test_each_statement_is_committed_by_itself(server: TestServer) -> None:
    """Another session sees it while this one goes on."""
    schema = "public" if server.engine == "postgresql" else "settled"
    server.create_database("settled")
    try:
        server.sql("CREATE TABLE t (a int)", "settled")
        with connect(engine_for(server.engine), server.access(), "settled") as connection:
            connection.exec_driver_sql(f"INSERT INTO {schema}.t VALUES (1)")
            assert server.sql("SELECT count(*) FROM t", "settled") == [(1,)]
    finally:
        server.drop_database("settled")


def test_the_connection_is_gone_after_the_block(server: TestServer) -> None:
    """Nothing is pooled."""
    question = {"postgresql": "SELECT pg_backend_pid()"}.get(server.engine, "SELECT CONNECTION_ID()")
    sessions = {"postgresql": "SELECT pid FROM pg_stat_activity"}.get(
        server.engine, "SELECT ID FROM information_schema.PROCESSLIST"
    )
    mine = scalar(server.access(), question)
    for _ in range(200):  # a server takes a moment to bury a session
        if (mine,) not in server.sql(sessions):
            return
    raise AssertionError(f"session {mine} is still there")


@pytest.mark.parametrize("password", PASSWORDS, ids=range(len(PASSWORDS)))
def test_any_password_reaches_the_server(server: TestServer, password: str) -> None:
    """Quotes, backslashes, percent signs, blanks, unicode, control characters, length."""
    quoted = password.replace("'", "''")
    if server.engine == "postgresql":
        make, drop = "CREATE ROLE pw_test LOGIN PASSWORD '{}'", "DROP ROLE pw_test"
    else:
        quoted = quoted.replace("\\", "\\\\")
        make, drop = "CREATE USER pw_test@'%' IDENTIFIED BY '{}'", "DROP USER pw_test@'%'"
    server.sql(make.format(quoted))
    try:
        access = Access(server.instance(), "pw_test", Secret(password))
        assert str(scalar(access, "SELECT CURRENT_USER")).split("@")[0] == "pw_test"
    finally:
        server.sql(drop)


def tls(server: TestServer, **ssl: Any) -> Access:
    """Return the access over TLS to `localhost`, which the certificate names."""
    return server.access(host="localhost", ssl={"enabled": True, **ssl})


def test_a_verified_line_is_encrypted(server: TestServer) -> None:
    """TLS 1.2 at least, told by the server itself."""
    engine, access = engine_for(server.engine), tls(server, ca_cert=server.certificates.ca)
    with connect(engine, access) as connection:
        assert engine.server(connection).tls.startswith(("TLSv1.2", "TLSv1.3"))


@pytest.mark.parametrize(
    "ssl",
    [
        lambda server: {"ca_cert": server.certificates.stranger_ca},
        lambda server: {},
        lambda server: {"ca_cert": server.certificates.stranger_ca, "mode": "verify-ca"},
    ],
    ids=["stranger", "system authorities", "stranger, name not checked"],
)
def test_a_certificate_that_nobody_trusted_signed_is_refused(
    server: TestServer, ssl: Callable[[TestServer], dict[str, Any]]
) -> None:
    """Nothing falls back to a plain line."""
    error = failure(tls(server, **ssl(server)))
    assert isinstance(error, LoginRefused)
    assert "certificate verify failed" in error.message


@pytest.mark.parametrize("key", ["ca_cert", "client_cert", "client_key"])
def test_a_certificate_file_that_is_not_there_is_named(server: TestServer, key: str) -> None:
    """The drivers say "No such file or directory", and not which."""
    error = failure(tls(server, **{key: "/nowhere/x.pem"}))
    assert str(error) == f"test: ssl.{key} /nowhere/x.pem does not exist. Correct it in the configuration."


def test_a_certificate_of_another_host_is_refused_unless_only_its_authority_counts(server: TestServer) -> None:
    """The certificate names `localhost`, so 127.0.0.1 is somebody else."""
    authority = server.certificates.ca
    strict = server.access(host="127.0.0.1", ssl={"enabled": True, "ca_cert": authority})
    assert isinstance(failure(strict), LoginRefused)
    loose = server.access(host="127.0.0.1", ssl={"enabled": True, "ca_cert": authority, "mode": "verify-ca"})
    assert scalar(loose, "SELECT 1") == 1


def test_a_remote_host_is_verified_in_full_unless_plain_is_said_out_loud() -> None:
    """The default of the settings that the engines follow."""
    remote = Instance(id="r", type="mysql", host="db.example.org")
    assert (remote.tls.enabled, remote.tls.mode) == (True, "verify-full")
    assert not Instance(id="r", type="mysql", host="db.example.org", ssl={"enabled": False}).tls.enabled
    assert not Instance(id="r", type="mysql", host="localhost").tls.enabled


@pytest.fixture
def unused_tcp_port() -> int:
    """A port on which nothing listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_killed_between_two_questions_is_no_error_of_sqlalchemys(
    fresh_server: Callable[[str], TestServer],
) -> None:
    """Neither in the block nor on closing what is no longer there."""
    server = fresh_server("mariadb")
    engine, access = engine_for("mariadb"), server.access()
    with connect(engine, access) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        server.kill()
    server.start()
    with pytest.raises(BackupError) as caught, connect(engine, access) as connection:  # noqa: PT012
        server.kill()
        connection.exec_driver_sql("SELECT 1")
    assert caught.value.passes
