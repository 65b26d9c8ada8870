"""Accounts go there and back on real servers: all, one, a conflict, an excluded one, twice; no hash is ever seen."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.conftest import Setup
from tests.project import Outcome, Project
from tests.servers import MySqlServer, PostgresqlServer, Servers, TestServer

KINDS = ["mariadb", "mysql", "postgresql_15"]
PASSWORDS = {
    "vt_alice": "alice's pass-word 1",
    "vt_app": 'app "pass" % 22',
    "vt_bob": "bob-pass-333",
    "vt_eve": "eve-pass-444",
}
NAMES = ("vt_alice", "vt_app", "vt_bob", "vt_eve", "vt_odd")
PLUGINS = {"mariadb": ("ed25519", "auth_ed25519"), "mysql": ("auth_socket", "auth_socket")}


@dataclass
class Pair:
    """A server with accounts, and one of the same kind without."""

    kind: str
    source: TestServer
    empty: TestServer
    said: list[str] = field(default_factory=list)

    @property
    def is_postgresql(self) -> bool:
        """Say which words the servers take."""
        return isinstance(self.source, PostgresqlServer)

    def full(self, user: str) -> str:
        """Return an account as the product names it."""
        hosts = {"vt_app": "@127.%", "vt_readers": "@%" if self.kind == "mysql" else ""}
        return user if self.is_postgresql else user + hosts.get(user, "@%")

    def sql_name(self, user: str) -> str:
        """Return an account as SQL names it."""
        name, _, host = self.full(user).partition("@")
        return name if not host else f"'{name}'@'{host}'"

    def make(self, server: TestServer, user: str, password: str) -> None:
        """Create a user who may log in."""
        secret = password.replace("'", "''")
        how = (
            f"CREATE ROLE {user} LOGIN PASSWORD"
            if self.is_postgresql
            else f"CREATE USER {self.sql_name(user)} IDENTIFIED BY"
        )
        server.sql(f"{how} '{secret}'")

    def fill(self) -> None:
        """Make a role, three users, and something of each on the database `vt_shop`."""
        source = self.source
        make_shop(source)
        role = self.sql_name("vt_readers")
        source.sql(f"CREATE ROLE {role}")
        for user in ("vt_alice", "vt_app", "vt_bob"):
            self.make(source, user, PASSWORDS[user])
        source.sql(f"GRANT {role} TO {self.sql_name('vt_alice')}")
        if self.is_postgresql:
            source.sql("ALTER ROLE vt_app IN DATABASE vt_shop SET work_mem = '5MB'")
            source.sql("ALTER ROLE vt_bob CREATEDB")
        else:
            source.sql(f"GRANT SELECT ON `vt\\_shop`.* TO {role}")
            source.sql(f"GRANT SELECT (price) ON vt_shop.item TO {self.sql_name('vt_app')}")
            source.sql(f"GRANT INSERT ON *.* TO {self.sql_name('vt_bob')}")

    def clear(self) -> None:
        """Take everything away from both."""
        for server in (self.source, self.empty):
            server.drop_database("vt_shop")
            for user in NAMES:
                server.sql(f"DROP {'ROLE' if self.is_postgresql else 'USER'} IF EXISTS {self.sql_name(user)}")
            server.sql(f"DROP ROLE IF EXISTS {self.sql_name('vt_readers')}")

    def hashes(self) -> list[str]:
        """Return what the server keeps of the passwords of our accounts."""
        if self.is_postgresql:
            rows = self.source.sql("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'vt%'")
        else:
            rows = self.source.sql("SELECT authentication_string FROM mysql.user WHERE user LIKE 'vt%'")
        texts = [row[0].decode() if isinstance(row[0], bytes) else str(row[0] or "") for row in rows]
        hexed = [text.encode().hex().upper() for text in texts if text]
        return [text for text in (*texts, *hexed) if len(text) > 8 and text != "None"]

    def logs_in(self, server: TestServer, user: str) -> bool:
        """Say whether a user may log in with the password of the source."""
        try:
            if isinstance(server, PostgresqlServer | MySqlServer):
                server.connect(user=user, password=PASSWORDS[user]).close()
        except Exception as error:  # noqa: BLE001  each driver has its own
            print(f"{user}: {error}")
            return False
        return True


def make_shop(server: TestServer) -> None:
    """Make the database that some grants need."""
    server.create_database("vt_shop")
    server.sql("CREATE TABLE item (id integer PRIMARY KEY, price integer)", "vt_shop")


@pytest.fixture(scope="module")
def empties() -> Iterator[dict[str, TestServer]]:
    """One fresh server of each kind that is asked for."""
    park, found = Servers(), {}

    class Made(dict[str, TestServer]):
        def __missing__(self, kind: str) -> TestServer:
            self[kind] = park.fresh(kind)  # type: ignore[arg-type]
            return self[kind]

    found = Made()
    yield found
    park.close()


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, servers: Servers, empties: dict[str, TestServer]) -> Iterator[Pair]:
    """Two servers of a kind, ours alone on it."""
    made = Pair(request.param, servers.shared(request.param), empties[request.param])
    made.clear()
    made.fill()
    yield made
    made.clear()


@pytest.fixture
def project(pair: Pair, project_with: Setup) -> Iterator[Project]:
    """A project that backs up the accounts of `source`; at the end it is searched for what nobody may see."""
    made = project_with(source=pair.source, empty=pair.empty)
    configuration = made.folder / "config/config.yaml"
    configuration.write_text(configuration.read_text().replace("users: false", "users: true"))
    secrets = pair.hashes()
    assert secrets
    yield made
    assert_silent(made, pair, secrets)


def run(project: Project, pair: Pair, *words: str) -> Outcome:
    """Run the product and keep what it said."""
    done = project.run(*words)
    pair.said.append(done.said)
    return done


def backed_up(project: Project, pair: Pair) -> None:
    """Back the accounts of `source` up."""
    done = run(project, pair, "backup:source/@users", "--force")
    assert done.status == 0, done.said


def restored(project: Project, pair: Pair, *words: str) -> Outcome:
    """Restore accounts of ours onto the empty server."""
    users = () if any(word.startswith("--user") for word in words) else ours(pair)
    return run(project, pair, "restore:source/@users", "--target-instance", "empty", *users, *words)


def ours(pair: Pair) -> tuple[str, ...]:
    """Return the options that name what `fill` made: other tests have accounts on the shared server, too."""
    return tuple(f"--user={user}" for user in ("vt_readers", "vt_alice", "vt_app", "vt_bob"))


def verdicts(project: Project) -> dict[str, str]:
    """Return what the newest restore did with each account."""
    event = project.events("type IN ('restored', 'restore_failed')")[-1]
    return {account["name"]: account["verdict"] for account in event["data"]["accounts"]}


def assert_silent(project: Project, pair: Pair, secrets: list[str]) -> None:
    """No hash and no password in any file but the dumps of accounts, nor on the screen."""
    files = [path for path in project.folder.rglob("*") if path.is_file() and not is_dump(path)]
    assert any(path.name == "catalog.db" for path in files)
    assert any(path.name.endswith(".metadata.json") for path in files)
    dumps = b"".join(gzip.decompress(path.read_bytes()) for path in project.files("*@users*.sql.gz"))
    assert any(secret.encode() in dumps for secret in secrets)  # what is looked for is what a dump holds
    contents = {str(path): path.read_bytes() for path in files} | {"screen": "\n".join(pair.said).encode()}
    for secret in (*secrets, *PASSWORDS.values()):
        for spelling in {secret, json.dumps(secret)[1:-1]}:
            assert [name for name, content in contents.items() if spelling.encode() in content] == []


def is_dump(path: Path) -> bool:
    """Say whether a file is a dump of accounts, which holds hashes and is private."""
    if "@users" not in path.name or not path.name.endswith(".sql.gz"):
        return False
    assert path.stat().st_mode & 0o777 == 0o600
    return True


def test_all_come_back_log_in_and_a_repeated_run_changes_nothing(pair: Pair, project: Project) -> None:
    """What needs a missing database waits for it, and the same command grants it when it is there."""
    backed_up(project, pair)

    dry = restored(project, pair, "--dry-run")
    assert dry.status == 0, dry.said
    assert "******" in dry.out
    assert not pair.logs_in(pair.empty, "vt_alice")

    first = restored(project, pair)
    assert first.status == 0, first.said
    every = {pair.full(user) for user in ("vt_readers", "vt_alice", "vt_app", "vt_bob")}
    assert verdicts(project) == dict.fromkeys(every, "created") | {pair.full("vt_app"): "waits"}
    assert "waits for database vt_shop" in first.out
    assert all(pair.logs_in(pair.empty, user) for user in ("vt_alice", "vt_app", "vt_bob"))

    make_shop(pair.empty)
    second, third = restored(project, pair), restored(project, pair)
    assert second.status == 0, second.said
    assert third.status == 0, third.said
    assert [one["data"]["accounts"] for one in project.events("type = 'restored'")][1:]
    assert verdicts(project) == dict.fromkeys(every, "same")
    diff = run(project, pair, "users", "diff", "source", "--from", "2099-01-01", "--to", "live", "--exit-code")
    assert diff.status == 0, diff.said
    assert project.run("verify:source/@users").status == 0


@pytest.mark.long_for("mysql")
def test_one_alone_a_conflict_an_excluded_one_and_force(pair: Pair, project: Project) -> None:
    """A conflict is shown and left alone, everything else goes on; --force makes it equal, password included."""
    backed_up(project, pair)
    alone = restored(project, pair, "--user", pair.full("vt_bob"))
    assert alone.status == 0, alone.said
    assert verdicts(project) == {pair.full("vt_bob"): "created"}

    pair.empty.sql(f"DROP {'ROLE' if pair.is_postgresql else 'USER'} {pair.sql_name('vt_bob')}")
    pair.make(pair.empty, "vt_bob", "quite another")
    mixed = restored(project, pair, "--exclude-user", f"{pair.full('vt_app')},vt_readers")
    assert mixed.status == 1, mixed.said
    assert "has another password or way to log in" in mixed.out
    assert verdicts(project)[pair.full("vt_bob")] == "conflict"
    assert verdicts(project)[pair.full("vt_app")] == "excluded"
    assert not pair.logs_in(pair.empty, "vt_bob")

    forced = restored(project, pair, "--user", "vt_bob", "--force")
    assert forced.status == 0, forced.said
    assert verdicts(project) == {pair.full("vt_bob"): "made equal"}
    assert pair.logs_in(pair.empty, "vt_bob")

    unknown = restored(project, pair, "--user", "vt_nobody")
    assert unknown.status == 1
    assert "no account 'vt_nobody'" in unknown.said


@pytest.mark.long_for("mysql")
def test_changes_are_told_and_who_may_do_what(pair: Pair, project: Project) -> None:
    """In the event, on the screen, between two backups and against the live server."""
    backed_up(project, pair)
    (first,) = project.events("type = 'checksummed'")
    pair.make(pair.source, "vt_eve", PASSWORDS["vt_eve"])
    pair.source.sql(f"DROP {'ROLE' if pair.is_postgresql else 'USER'} {pair.sql_name('vt_alice')}")
    live = run(project, pair, "users", "diff", "source", "--from", first["backup_id"], "--to", "live", "--exit-code")
    backed_up(project, pair)

    assert live.status == 1, live.said
    assert f"{pair.full('vt_eve')} was added" in live.out
    (changed,) = project.events("type = 'accounts_changed'")
    assert (changed["data"]["added"], changed["data"]["removed"]) == (1, 1)
    assert any(f"{pair.full('vt_alice')} was removed" in line for line in changed["data"]["words"])
    assert "1 added, 1 removed" in project.run("status").out

    listed = run(project, pair, "users", "list", "source", "--json")
    names = [account["account"] for account in json.loads(listed.out)[0]["accounts"]]
    assert pair.full("vt_eve") in names
    shown = run(project, pair, "users", "list", "source")
    assert all(len(line) <= 80 for line in shown.out.splitlines()[1:])
    done = run(project, pair, "backup", "--instance", "source", "--database", "vt_shop")
    assert done.status == 0, done.said
    rights = run(project, pair, "users", "show-grants", "--database", "vt_shop", "--instance", "source", "--json")
    assert rights.status == 0, rights.said
    told = {(row["account"], row["on"]) for row in json.loads(rights.out)}
    superuser = pair.source.superuser
    assert any(account.startswith(superuser) for account, _ in told)
    if not pair.is_postgresql:
        assert (pair.full("vt_app"), "vt_shop.item") in told
        assert (pair.full("vt_bob"), "*.*") in told


@pytest.mark.parametrize("pair", ["mariadb", "mysql"], indirect=True)
def test_a_server_that_lacks_the_plugin_fails_that_account_alone(pair: Pair, project: Project) -> None:
    """Named before and after, with the server's words; the others are there."""
    plugin, library = PLUGINS[pair.kind]
    there = pair.source.sql(f"SELECT 1 FROM information_schema.plugins WHERE plugin_name = '{plugin}'")
    if not there:
        pair.source.sql(f"INSTALL PLUGIN {plugin} SONAME '{library}.so'")
    how = "VIA ed25519 USING PASSWORD('odd-pass-555')" if pair.kind == "mariadb" else "WITH auth_socket"
    pair.source.sql(f"CREATE USER {pair.sql_name('vt_odd')} IDENTIFIED {how}")
    try:
        backed_up(project, pair)
        done = restored(project, pair, *ours(pair), "--user=vt_odd")
    finally:
        pair.source.sql(f"DROP USER {pair.sql_name('vt_odd')}")
        if not there:
            pair.source.sql(f"UNINSTALL PLUGIN {plugin}")
    assert done.status == 1, done.said
    assert plugin in done.out
    assert verdicts(project)[pair.full("vt_odd")] == "failed"
    assert verdicts(project)[pair.full("vt_bob")] == "created"
    assert pair.logs_in(pair.empty, "vt_bob")


def test_users_restore_and_backup_are_the_same_tasks_under_another_name(pair: Pair, project: Project) -> None:
    """Also from a file, whose sidecar says what it is."""
    done = run(project, pair, "users", "backup", "--instance", "source")
    assert done.status == 0, done.said
    (file,) = project.files("*@users*.sql.gz")
    words = ("users", "restore", "--file", str(file), "--target-instance", "empty", "--user", "vt_bob")
    dry, done = run(project, pair, *words, "--dry-run"), run(project, pair, *words)
    assert dry.status == 0, dry.said
    assert done.status == 0, done.said
    assert pair.logs_in(pair.empty, "vt_bob")
    assert pair.full("vt_bob") in run(project, pair, "users", "list", "--file", str(file)).out

    bare = project.folder / "brought.sql.gz"  # without a sidecar its first line tells what it is
    bare.write_bytes(file.read_bytes())
    done = run(project, pair, "users", "restore", "--file", str(bare), "--target-instance", "empty", "--user", "vt_bob")
    bare.unlink()
    assert done.status == 0, done.said
    assert verdicts(project) == {pair.full("vt_bob"): "same"}
