"""The accounts of a server, dumped by `doit backup` and brought to an empty server in every way there is."""

from __future__ import annotations

import gzip
import json
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy.exc import DBAPIError

from tests.acceptance.conftest import project_with
from tests.drills.conftest import drills_of, ground
from tests.engines.mysql.accounts import empty, state_of, who_cannot_log_in
from tests.engines.mysql.population import SETUP, Someone, populate
from tests.project import Project
from tests.servers import MySqlServer, Servers
from vya_backup.decisions.accounts import Account, Choice, Fate, Kind, Statement, in_order, plan
from vya_backup.engines import accounts_engine
from vya_backup.engines.accounts import AccountsEngine
from vya_backup.engines.mysql.questions import identifier
from vya_backup.errors import BackupError
from vya_backup.transport.connections import connect

__all__ = ["drills_of", "ground", "project_with"]
MORE = {"mariadb": {"plugin_load_add": "auth_ed25519"}, "mysql": {"partial_revokes": "ON"}}


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def pair(request: pytest.FixtureRequest, servers: Servers) -> Iterator[tuple[MySqlServer, MySqlServer]]:
    """A server full of accounts, and an empty one that has the same databases."""
    more = MORE[request.param]
    source, target = servers.fresh(request.param, **more), servers.fresh(request.param, **more)
    assert isinstance(source, MySqlServer)
    assert isinstance(target, MySqlServer)
    source.everyone = populate(source)  # type: ignore[attr-defined]
    target.load(SETUP)
    yield source, target
    servers.end(target, source)


@pytest.fixture
def source(pair: tuple[MySqlServer, MySqlServer]) -> MySqlServer:
    """The full one."""
    return pair[0]


@pytest.fixture
def target(pair: tuple[MySqlServer, MySqlServer]) -> MySqlServer:
    """The empty one."""
    empty(pair[1])
    return pair[1]


@pytest.fixture
def everyone(source: MySqlServer) -> list[Someone]:
    """Who was made on the full one."""
    return source.everyone  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def engine(source: MySqlServer) -> AccountsEngine:
    """The engine of the pair."""
    return accounts_engine(source.engine)


def text_of(server: MySqlServer) -> str:
    """Return what a dump of the server holds."""
    engine = accounts_engine(server.engine)
    with connect(engine, server.access(), "@users") as connection:
        survey = engine.survey(connection, engine.server(connection), "@users")
    assert survey.text is not None
    return survey.text.reveal()


def live(server: MySqlServer) -> tuple[Account, ...]:
    """Return the accounts of a server."""
    return accounts_engine(server.engine).read(text_of(server))


def run(server: MySqlServer, statements: list[Statement]) -> list[str]:
    """Run statements one by one, as a restore does; return those that failed, masked, with the reason."""
    failed = []
    with connect(accounts_engine(server.engine), server.access()) as connection:
        for statement in statements:
            try:
                connection.exec_driver_sql(statement.text, execution_options={"no_parameters": True})
            except DBAPIError as error:
                failed.append(f"{statement.masked}: {error.orig}")
    return failed


def with_users(project: Project, name: str = "source") -> Project:
    """Turn the accounts of every instance on."""
    known = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    for instance in known["instances"]:
        instance["users"] = True
    project.configure(yaml.safe_dump(known))
    return project


def test_a_dump_loaded_by_the_vendors_client_gives_every_account_back(
    source: MySqlServer, target: MySqlServer, everyone: list[Someone], project_with: Callable[..., Project]
) -> None:
    """By the server's own words, and each logs in with its old password; loaded twice, nothing changes."""
    project = with_users(project_with(source=source))
    done = project.run("backup", "--database", "@users")
    assert done.status == 0, done.said
    (path,) = project.files("*.sql.gz")
    text = gzip.decompress(path.read_bytes())

    target.load(text)
    first = state_of(target)
    target.load(text)

    assert len(everyone) > 200
    assert first == state_of(source)
    assert state_of(target) == first
    assert who_cannot_log_in(target, everyone) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secrets_told(project, text.decode(), done.said) == []
    assert project.run("verify").status == 0
    assert_a_flipped_byte_is_found(project, path)


def secrets_told(project: Project, text: str, said: str) -> list[str]:
    """Return the hashes of a dump that stand in an event, a sidecar, a log or on the screen."""
    hashes = set(re.findall(r"(?:AS|USING|BY PASSWORD) (?:0x|')([^' ]{16,})", text))
    assert len(hashes) > 100
    files = [path for path in project.folder.rglob("*") if path.is_file() and not path.name.endswith(".sql.gz")]
    files = [path for path in files if path.suffix not in {".key", ".yaml"}]
    told = said + json.dumps(project.events()) + "".join(path.read_text(errors="replace") for path in files)
    return [one for one in hashes if one in told]


def assert_a_flipped_byte_is_found(project: Project, path: Path) -> None:
    """In the middle of the artifact."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    assert project.run("verify").status == 1


def test_a_dump_gives_every_account_back_statement_by_statement(
    source: MySqlServer, target: MySqlServer, engine: AccountsEngine
) -> None:
    """In the order of the kinds; done again, nothing changes; and what is read back equals what was dumped."""
    dumped = engine.read(text_of(source))
    statements = in_order(statement for account in dumped for statement in account.statements)

    failed = run(target, statements)
    first = state_of(target)
    again = run(target, statements)

    assert (failed, again) == ([], [])
    assert not [one.masked for one in statements if one.text.startswith("CREATE") and " DEFAULT ROLE " in one.text]
    assert first == state_of(source) == state_of(target)
    assert text_of(target).split("\n")[1:] == text_of(source).split("\n")[1:] or not differing(dumped, live(target))


def differing(dumped: tuple[Account, ...], there: tuple[Account, ...]) -> list[str]:
    """Return what differs, in words, root left out."""
    fates = plan(dumped, there, Choice(exclude=("root",)), ())
    return [f"{one.account.name}: {one.differences}" for one in fates if one.fate not in {Fate.SAME, Fate.EXCLUDED}]


def test_an_account_that_differs_in_everything_is_made_equal(
    source: MySqlServer, target: MySqlServer, engine: AccountsEngine, everyone: list[Someone], long: bool
) -> None:
    """Password, options, roles and grants, and nothing is dropped on the way."""
    dumped = [account for account in engine.read(text_of(source)) if account.name.user != "root"]
    statements = in_order(statement for account in dumped for statement in account.statements)
    assert run(target, statements) == []
    touched = everyone if long else everyone[::5]
    with target.connect() as connection, connection.cursor() as cursor:
        for number, someone in enumerate(touched):
            for statement in changes(someone, number, target.engine):
                cursor.execute(statement)
        for statement in other_roles(dumped, everyone[0].account, target.engine):
            cursor.execute(statement)
    there = {account.name: account for account in live(target)}
    changed = [account for account in dumped if differing((account,), tuple(there.values()))]

    failed = [line for a in changed for line in run(target, in_order(engine.equalize(a, there[a.name])))]

    assert failed == []
    assert len(changed) > len(touched) * 0.7
    assert differing(tuple(dumped), live(target)) == []
    assert without_empty_attributes(state_of(target)) == without_empty_attributes(state_of(source))
    assert [engine.equalize(a, b) for a, b in zip(dumped, dumped, strict=True)] == [()] * len(dumped)
    assert who_cannot_log_in(target, touched) == []


def changes(someone: Someone, number: int, engine: str) -> Iterator[str]:
    """Yield what makes an account different."""
    account = someone.account
    is_user = engine == "mysql" or bool(someone.host)
    if is_user and number % 3:
        yield f"ALTER USER {account} IDENTIFIED BY 'another' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 5 ACCOUNT LOCK"
    if is_user and number % 5 == 0:
        yield f"ALTER USER {account} PASSWORD EXPIRE INTERVAL 77 DAY"
    if engine == "mysql" and number % 4 == 0:
        yield f"ALTER USER {account} FAILED_LOGIN_ATTEMPTS 5 PASSWORD_LOCK_TIME 2 PASSWORD HISTORY 9"
        yield f'ALTER USER {account} ATTRIBUTE \'{{"a": {{"c": 7}}, "zzz": [1]}}\''
        yield f"GRANT BACKUP_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.* TO {account} WITH GRANT OPTION"
    if number % 2:
        yield f"GRANT SELECT, DELETE ON shop.* TO {account} WITH GRANT OPTION"
        yield f"GRANT UPDATE (name), INSERT (price) ON shop.item TO {account} WITH GRANT OPTION"
    if number % 7 == 0:
        yield f"GRANT FILE, SELECT, UPDATE ON *.* TO {account} WITH GRANT OPTION"
        yield f"GRANT EXECUTE ON PROCEDURE shop.p TO {account} WITH GRANT OPTION"
    if engine == "mysql" and number % 14 == 0:
        yield f"REVOKE SELECT, UPDATE ON shop.* FROM {account}"
        yield f"REVOKE SELECT ON sys.* FROM {account}"
    if is_user and number % 6 == 0:
        yield f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}"


def other_roles(dumped: list[Account], role: str, engine: str) -> Iterator[str]:
    """Yield what takes every third user's first role away, and gives another one, with the right to pass it on."""
    word = "TO" if engine == "mysql" else "FOR"
    for account in [one for one in dumped if not one.is_role][::3]:
        name = f"{identifier(account.name.user)}@{identifier(account.name.host)}"
        held = [statement.text for statement in account.statements if statement.kind is Kind.MEMBERSHIP]
        yield f"SET DEFAULT ROLE NONE {word} {name}"
        yield from (text.split(" TO ")[0].replace("GRANT", "REVOKE", 1) + f" FROM {name}" for text in held[:1])
        yield f"GRANT {role} TO {name} WITH ADMIN OPTION"


def without_empty_attributes(state: object) -> str:
    """Leave out `ATTRIBUTE '{}'`: MySQL cannot go back to none."""
    return repr(state).replace(" ATTRIBUTE \\'{}\\'", "").replace(" ATTRIBUTE '{}'", "")


def test_an_account_that_may_not_read_accounts_is_told_the_grant(source: MySqlServer, engine: AccountsEngine) -> None:
    """And the grant is enough."""
    source.sql("CREATE USER 'poor'@'%' IDENTIFIED BY 'poor'")
    access = source.access()
    poor = type(access)(access.instance, "poor", type(access.password)("poor"))
    try:
        with connect(engine, poor, "@users") as connection:
            (missing,) = engine.missing_privileges(connection, engine.server(connection), "@users")
        with pytest.raises(BackupError), connect(engine, poor, "@users") as connection:
            engine.survey(connection, engine.server(connection), "@users")
        source.sql(missing.remedy)
        with connect(engine, poor, "@users") as connection:
            assert engine.missing_privileges(connection, engine.server(connection), "@users") == ()
            survey = engine.survey(connection, engine.server(connection), "@users")
    finally:
        source.sql("DROP USER 'poor'@'%'")
    assert sum(len(names) for names in survey.objects.values()) > 200
    assert survey.text is not None
    assert len(engine.read(survey.text.reveal())) > 200


def test_accounts_are_proved_restorable_on_a_private_server(
    source: MySqlServer, drills_of: Callable[..., Project], long: bool
) -> None:
    """All of them, with stand-ins for what their grants are about; nobody else's accounts are touched."""
    if source.engine == "mysql" and not long:  # its own takes 10 s of CPU to make
        return
    project = with_users(drills_of(source=source))
    before = state_of(source)
    assert project.run("backup", "--database", "@users").status == 0

    done = project.run("drill:source/@users")

    assert done.status == 0, done.said
    (drilled,) = project.events("type = 'drilled'")
    assert (drilled["data"]["verdict"], drilled["data"]["sandbox"]) == ("pass", "bubblewrap")
    assert drilled["data"]["objects"] > 200
    assert state_of(source) == before
