"""What a server's own state does to accounts: plugins it lacks, settings that are off, accounts that are half there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.engines.mysql.accounts import accounts_on
from tests.servers import MySqlServer
from vya_backup.decisions.accounts import Account, AccountName, Kind
from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.metadata import Needs
from vya_backup.engines import accounts_engine
from vya_backup.engines.answers import Finding, Survey
from vya_backup.engines.contract import Access, RestoreRequest
from vya_backup.engines.mysql.questions import identifier
from vya_backup.engines.mysql.users.statements import Written
from vya_backup.engines.mysql.users.text import Title, read, write
from vya_backup.engines.steps import Ask
from vya_backup.errors import RestoreRefused
from vya_backup.transport.connections import connect

NAME, OTHER = AccountName("vya one", "%"), AccountName("vya two", "%")


def surveyed(server: MySqlServer) -> Survey:
    """Survey the accounts of a server."""
    engine = accounts_engine(server.engine)
    with connect(engine, server.access(), "@users") as connection:
        return engine.survey(connection, engine.server(connection), "@users")


def findings(server: MySqlServer, accounts: tuple[Account, ...]) -> list[Finding]:
    """Ask what stands against making accounts."""
    engine = accounts_engine(server.engine)
    with connect(engine, server.access()) as connection:
        return list(engine.accounts_findings(connection, engine.server(connection), accounts))


def user(name: AccountName, more: str = "", kind: Kind = Kind.USER) -> Written:
    """Return the statement that makes a user."""
    return Written(name, False, kind, f"CREATE USER IF NOT EXISTS `{name.user}`@`{name.host}`{more}")


@contextmanager
def nothing_stays(server: MySqlServer) -> Iterator[None]:
    """Drop whatever a test made of these two."""
    try:
        yield
    finally:
        for name in (NAME, OTHER):
            server.sql(f"DROP USER IF EXISTS `{name.user}`@`{name.host}`")


@pytest.fixture
def tidy(server: MySqlServer) -> Iterator[MySqlServer]:
    """A server that is left as it was."""
    before = accounts_on(server)
    with nothing_stays(server):
        yield server
    assert accounts_on(server) == before


def test_a_plugin_that_is_missing_costs_its_account_only(tidy: MySqlServer) -> None:
    """It is named before, and everything else is made."""
    word = "VIA" if tidy.engine == "mariadb" else "WITH"
    written = [user(NAME, f" IDENTIFIED {word} 'auth_gone'".replace("'", "" if word == "VIA" else "'")), user(OTHER)]
    accounts = read(write(Title(tidy.engine, "1"), written))

    (found,) = [one for one in findings(tidy, accounts) if "plugin" in one.message]
    with tidy.connect() as connection, connection.cursor() as cursor:
        failed = []
        for account in accounts:
            for statement in account.statements:
                try:
                    cursor.execute(statement.text)
                except Exception as error:  # noqa: BLE001 - the number is what counts
                    failed.append((account.name, error.args[0]))

    assert (found.blocks, "auth_gone" in found.message, str(NAME) in found.message) == (False, True, True)
    assert failed == [(NAME, 1524)]
    assert [name for name, *_rest in accounts_on(tidy) if name.startswith("vya")] == [OTHER.user]


def test_without_partial_revokes_nobody_gets_more_than_before(mysql: MySqlServer) -> None:
    """The finding blocks, and the vendor's client stops before the first account."""
    account = "`vya one`@`%`"
    written = [
        user(NAME),
        Written(NAME, False, Kind.GRANT, f"GRANT SELECT ON *.* TO {account}"),
        Written(NAME, False, Kind.GRANT, f"REVOKE SELECT ON `mysql`.* FROM {account}"),
    ]
    text = write(Title("mysql", "9.7.4"), written)

    with nothing_stays(mysql):
        blockers = [one for one in findings(mysql, read(text)) if one.blocks]
        with pytest.raises(subprocess.CalledProcessError):
            mysql.load(text)
        there = [name for name, *_rest in accounts_on(mysql) if name.startswith("vya")]

    assert [("partial_revokes is off" in one.message, "vya one@%" in one.message) for one in blockers] == [(True, True)]
    assert there == []


def test_what_another_release_does_not_know_is_named(server: MySqlServer) -> None:
    """A privilege, a database; while nothing is said of what the server knows."""
    account = "`vya one`@`%`"
    grants = [("GRANT FLY_HIGH ON *.* TO ", ""), ("GRANT SELECT, CREATE TEMPORARY TABLES ON `x`.* TO ", "")]
    grants += [("GRANT INSERT (`a`), SHOW VIEW ON `vya gone`.`t` TO ", "vya gone")]
    kinds = [Kind.OBJECT_GRANT if database else Kind.GRANT for _text, database in grants]
    written = [user(NAME)]
    written += [Written(NAME, False, k, t + account, d) for k, (t, d) in zip(kinds, grants, strict=True)]

    said = [one.message for one in findings(server, read(write(Title(server.engine, "1"), written)))]

    assert [one for one in said if "privilege" in one] == [
        "the target knows no privilege FLY_HIGH, a grant to vya one@% may fail"
    ]
    assert [one for one in said if "missing databases" in one] == [
        "grants on objects of missing databases will fail: vya gone"
    ]


def test_an_account_that_the_server_cannot_show_is_a_gap(server: MySqlServer) -> None:
    """It was written into the tables by hand; everyone else is dumped."""
    before = surveyed(server)
    if server.engine == "mariadb":
        server.sql("INSERT INTO mysql.global_priv VALUES ('%', 'vya ghost', '{}')")
        remove = "DELETE FROM mysql.global_priv WHERE User = 'vya ghost'"
    else:
        columns = "Host, User, ssl_cipher, x509_issuer, x509_subject"
        server.sql(f"INSERT INTO mysql.user ({columns}) VALUES ('%', 'vya ghost', '', '', '')")
        remove = "DELETE FROM mysql.user WHERE User = 'vya ghost'"
    try:
        survey = surveyed(server)
    finally:
        server.sql(remove)

    assert [(gap.kind, gap.name) for gap in survey.gaps if "ghost" in gap.name] == [("user", "vya ghost@%")]
    assert survey.objects == before.objects


def test_a_second_password_is_a_gap(mysql: MySqlServer) -> None:
    """MySQL shows it nowhere that another server would take it from."""
    with nothing_stays(mysql):
        mysql.sql("CREATE USER `vya one`@`%` IDENTIFIED BY 'first'")
        mysql.sql("ALTER USER `vya one`@`%` IDENTIFIED BY 'second' RETAIN CURRENT PASSWORD")
        gaps = [(gap.kind, gap.name) for gap in surveyed(mysql).gaps]

    assert ("second password", str(NAME)) in gaps


def test_a_default_role_that_was_dropped_is_a_gap(mariadb: MySqlServer) -> None:
    """MariaDB keeps its name; a dump that sets it would stop there."""
    with nothing_stays(mariadb):
        mariadb.sql("CREATE ROLE `vya role`")
        mariadb.sql("CREATE USER `vya one`@`%`")
        mariadb.sql("GRANT `vya role` TO `vya one`@`%`")
        mariadb.sql("SET DEFAULT ROLE `vya role` FOR `vya one`@`%`")
        mariadb.sql("DROP ROLE `vya role`")
        survey = surveyed(mariadb)

    assert ("default role", str(NAME)) in [(gap.kind, gap.name) for gap in survey.gaps]
    assert survey.text is not None
    assert "SET DEFAULT ROLE `vya role`" not in survey.text.reveal()


def test_a_drill_refuses_every_server_that_others_use(server: MySqlServer) -> None:
    """It would drop their accounts."""
    engine, before = accounts_engine(server.engine), accounts_on(server)
    alike = Access(server.instance(socket=str(server.socket)), "root")  # as a drill's own looks
    with connect(engine, server.access()) as connection:
        asked = engine.server(connection)
        request = RestoreRequest(
            alike, "@users", "@users", asked, None, Manifest({}, {}), {}, Needs(), True, "staging", "retired"
        )
        step = next(engine.restore(request))
        assert isinstance(step, Ask)
        with pytest.raises(RestoreRefused, match="doit restore"):
            step.question(connection)
        assert engine.drill_objections(connection, asked)

    assert accounts_on(server) == before


def test_what_a_sidecar_tells_holds_no_hash(server: MySqlServer, make: Callable[..., str]) -> None:
    """But names, facts and privileges."""
    with nothing_stays(server):
        server.sql("CREATE USER `vya one`@`%` IDENTIFIED BY 'a long and secret password' REQUIRE SSL")
        server.sql(f"GRANT SELECT ON {identifier(make())}.* TO `vya one`@`%`")
        survey = surveyed(server)

    (told,) = [one for one in survey.properties["accounts"] if one["name"] == "vya one"]
    assert (told["host"], told["role"], told["facts"]["TLS"]) == ("%", False, "required")
    assert [grant.partition(" on ")[0] for grant in told["grants"]] == ["SELECT"]
    assert "*" not in told["facts"].values()
    assert survey.text is not None
    hashed = next(line for line in survey.text.reveal().split("\n") if "CREATE USER" in line and "vya one" in line)
    secret = hashed.split(" AS " if server.engine == "mysql" else " PASSWORD ")[1].split()[0].strip("'")
    assert secret not in repr(survey)
