"""`verify` over real servers: every engine's backups in one command, and the one that was harmed is named."""

from __future__ import annotations

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import build
from tests.servers import MySqlServer, PostgresqlServer


def test_backups_of_every_server_are_verified_together(
    postgresql_18: PostgresqlServer, mariadb: MySqlServer, mysql: MySqlServer, project_with: Setup
) -> None:
    """All pass; then one is cut, and fails alone with the checks that saw it."""
    servers = {"pg": postgresql_18, "maria": mariadb, "my": mysql}
    for server in servers.values():
        build(server)
    project = project_with(**servers)
    assert project.run("backup", "--database", "shop").status == 0

    intact = project.run("verify")
    harmed = next(path for path in project.files("shop_*.sql.gz") if "/maria/" in str(path))
    harmed.write_bytes(harmed.read_bytes()[:-9])
    cut = project.run("verify")

    assert (intact.status, cut.status) == (0, 1), intact.said + cut.said
    assert "3 done" in intact.out
    assert "2 done, 1 failed" in cut.out
    verdicts = {event["instance"]: event["data"]["verdict"] for event in project.events("type = 'verified'")}
    assert verdicts == {"pg": "pass", "maria": "fail", "my": "pass"}
    (damaged,) = project.events("type = 'damaged'")
    assert damaged["data"]["check"] == "size, digest, decoding"
    for server in servers.values():
        server.drop_database("shop")
