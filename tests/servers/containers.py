"""The same servers from testcontainers, for machines with a container engine: `VYA_TEST_SERVERS=containers`.

The rule: tests see no difference but `socket`, which is None, and `follows`, which is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers import binaries
from tests.servers.base import TestServer
from tests.servers.daemon import free_port
from tests.servers.mysql import OWN, MySqlServer
from tests.servers.mysql import SETTINGS as MYSQL_SETTINGS
from tests.servers.postgresql import SETTINGS as POSTGRESQL_SETTINGS
from tests.servers.postgresql import PostgresqlServer

if TYPE_CHECKING:
    from tests.servers.park import Kind
    from tests.servers.tls import Certificates

IMAGES: dict[str, str] = {
    "postgresql_15": "postgres:15.20",
    "postgresql_18": "postgres:18.6",
    "mariadb": "mariadb:10.11.19",
    "mysql": "mysql:9.7.4",
}
PASSWORDS = {"postgres": "POSTGRES_PASSWORD", "mariadb": "MARIADB_ROOT_PASSWORD", "mysql": "MYSQL_ROOT_PASSWORD"}
# The key must belong to the server's account inside the container, so the entry point copies it first.
COPY_KEY = "install -o {user} -m 600 /tls/server.key /tmp/server.key && exec docker-entrypoint.sh {command}"


class ContainerRunner:
    """A container instead of a process; its pid is none of ours."""

    pid = 0

    def __init__(self, container: Any) -> None:
        self.container = container
        self._made = False

    def start(self, *_extra: str) -> None:
        """Create the container the first time, start the same one again later."""
        if self._made:
            self.container.get_wrapped_container().start()
        else:
            self.container.start()
            self._made = True

    def waited(self, seconds: float = 0.1) -> None:
        """Let a moment pass."""
        from threading import Event

        Event().wait(seconds)

    def stop(self) -> None:
        """End it in order; the container stays, so that it can start again with its data."""
        self.container.get_wrapped_container().stop(timeout=60)

    def kill(self) -> None:
        """End it as a crash would."""
        wrapped = self.container.get_wrapped_container()
        wrapped.reload()
        if wrapped.status == "running":
            wrapped.kill()


def start_container(
    kind: Kind, folder: Path, certificates: Certificates, *, password: str, settings: dict[str, str]
) -> TestServer:
    """Start one server in a container on a loopback port that stays the same when it restarts."""
    from testcontainers.core.container import DockerContainer

    name = IMAGES[kind].split(":")[0]
    inner, port = (5432 if name == "postgres" else 3306), free_port()
    loopback: Any = ("127.0.0.1", port)  # the container engine takes a pair, testcontainers' annotation forgets it
    user = "postgres" if name == "postgres" else "mysql"
    container = DockerContainer(IMAGES[kind]).with_bind_ports(inner, loopback)
    container = container.with_env(PASSWORDS[name], password).with_volume_mapping(str(folder.parent), "/tls", "ro")
    script = COPY_KEY.format(user=user, command=" ".join(_arguments(name, settings)))
    runner = ContainerRunner(container.with_kwargs(entrypoint=["bash", "-c", script]))
    server = _server(kind, runner, port, certificates)
    server.password, server.folder = password, folder
    server.start()
    return server


def _arguments(name: str, settings: dict[str, str]) -> list[str]:
    tls = {"ssl_ca": "/tls/ca.pem", "ssl_cert": "/tls/server.pem", "ssl_key": "/tmp/server.key"}
    if name == "postgres":
        every = POSTGRESQL_SETTINGS | {f"{key}_file": path for key, path in tls.items()} | settings
        return ["postgres", *(f"-c {key}='{value}'" for key, value in (every | {"listen_addresses": "*"}).items())]
    own = OWN["mariadb" if name == "mariadb" else "mysql"]
    every = MYSQL_SETTINGS | own | tls | settings | {"bind-address": "0.0.0.0", "server-id": "1"}
    daemon = "mariadbd" if name == "mariadb" else "mysqld"
    return [daemon, *(f"--{key.replace('_', '-')}='{value}'" for key, value in every.items())]


def _server(kind: Kind, runner: ContainerRunner, port: int, certificates: Certificates) -> TestServer:
    if kind == "mariadb":
        clients = binaries.mariadb().client_folder
        return MySqlServer(runner, "mariadb", port=port, client_folder=clients, certificates=certificates)
    if kind == "mysql":
        clients = binaries.mysql().client_folder
        return MySqlServer(runner, "mysql", port=port, client_folder=clients, certificates=certificates)
    clients = binaries.postgresql(int(kind.removeprefix("postgresql_"))).client_folder
    return PostgresqlServer(runner, host="127.0.0.1", port=port, client_folder=clients, certificates=certificates)
