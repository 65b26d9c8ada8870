"""A project whose instances are real servers, set up with the product's own commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.project import Project, new_project
from tests.servers import TestServer

Setup = Callable[..., Project]


@pytest.fixture
def project_with(tmp_path: Path) -> Setup:
    """Give `setup(source=server, empty=other, **settings)`: one instance for each server, `users: false`."""

    def setup(*, settings: dict[str, object] | None = None, **servers: TestServer) -> Project:
        instances = [_instance(name, server) for name, server in servers.items()]
        folders = sorted({str(server.client_folder) for server in servers.values()})
        configuration = {
            "application": {"hostname": "testhost"},
            "instances": instances,
            "storage": {"base_path": "backups"},
            "backup": {"client_folders": folders, "retry_wait_seconds": 0.1} | dict(settings or {}),
        }
        project = new_project(tmp_path, yaml.safe_dump(configuration))
        encrypt(project, {name: (server.superuser, server.password) for name, server in servers.items()})
        return project

    return setup


def encrypt(project: Project, logins: dict[str, tuple[str, str]]) -> None:
    """Write the logins to a plain file and encrypt them with the product's command."""
    entries = [{"id": name, "username": user, "password": password} for name, (user, password) in logins.items()]
    plain = project.folder / "plain.json"
    plain.write_text(json.dumps({"version": "1.0", "databases": entries}))
    done = project.run("credentials", "encrypt", "--input", str(plain), "--force")
    assert done.status == 0, done.said
    plain.unlink()


def _instance(name: str, server: TestServer) -> dict[str, object]:
    return {"id": name, "type": server.engine, "host": server.host, "port": server.port, "users": False}
