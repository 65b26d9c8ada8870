"""The jobs about accounts, on ledgers instead of servers: read, compare, restore, and what the catalog says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines.contract import Accounts
from tests.jobs.ledger import Ledger, LedgerEngine
from vya_backup import engines
from vya_backup.decisions.accounts import Choice
from vya_backup.decisions.naming import USERS, Key
from vya_backup.engines import mysql
from vya_backup.engines.answers import Finding, MissingPrivilege
from vya_backup.errors import ArtifactDamaged, PrivilegeMissing, RestoreRefused, UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.history.drift import changed_in, newest_drift
from vya_backup.history.event import Process
from vya_backup.history.identifiers import new_id
from vya_backup.history.restore_events import RestoreStarted
from vya_backup.history.restores import restores
from vya_backup.history.views import BackupRow, backups, newest_published
from vya_backup.jobs.accounts import of_backup, of_server
from vya_backup.jobs.accounts_changes import changes_since
from vya_backup.jobs.accounts_plan import PreparedAccounts, describe, prepare
from vya_backup.jobs.accounts_restoring import RestoredAccounts, restore_accounts
from vya_backup.jobs.accounts_rights import rights_on
from vya_backup.jobs.accounts_states import state_at
from vya_backup.jobs.checking import checksum
from vya_backup.jobs.dumping import Order, dump_database
from vya_backup.jobs.mending import ACCOUNTS_STAND
from vya_backup.jobs.orphans import close_orphans
from vya_backup.jobs.planning import Wanted, plan
from vya_backup.jobs.restore_source import Wish
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import Application, Backup, CatalogSettings, Configuration, Instance
from vya_backup.settings.storage_model import Storage
from vya_backup.transport.pipeline import silent
from vya_backup.transport.storage import Store

SECRETS = {"alice": "hash-of-alice-4711", "app": "hash-of-app-0815", "bob": "hash-of-bob-1234"}
HOST = "testhost"


@dataclass(frozen=True)
class Office:
    """Two servers with a workspace: `source` has accounts, `empty` has none."""

    workspace: Workspace
    engine: LedgerEngine
    source: Ledger
    empty: Ledger

    def backup(self) -> BackupRow:
        """Dump and check the accounts of `source`."""
        workspace = self.workspace
        wanted = Wanted(workspace.instance("source"), (USERS,), {})
        (planned,) = plan(workspace, [wanted], now=workspace.clock(), forced=lambda key: True)
        assert dump_database(workspace, Order(planned, forced=True), silent)
        checksum(workspace, newest_published(workspace.catalog)["source", USERS], silent)
        return backups(workspace.catalog, "source", USERS, states=["good"], limit=1)[0]

    def prepare(self, *only: str, target: str = "empty", **choice: Any) -> PreparedAccounts:
        """Prepare a restore of the newest backup."""
        wish = Wish(key=Key("source", USERS), target_instance=target, latest=True, force=choice.get("force", False))
        return prepare(self.workspace, wish, Choice(only, **choice))

    def restore(self, *only: str, **more: Any) -> RestoredAccounts:
        """Restore the newest backup."""
        return restore_accounts(self.workspace, self.prepare(*only, **more))

    def said(self) -> str:
        """Return everything that the catalog holds, as text."""
        return "\n".join(row["data"] for row in self.workspace.catalog.rows("SELECT data FROM events"))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """`source` with a role, three users and root; grants everywhere, on a database, and on a table in it."""
    engine = LedgerEngine(tmp_path)
    monkeypatch.setattr(mysql, "accounts", lambda name: engine, raising=False)
    engines.accounts_engine.cache_clear()
    instances = tuple(Instance(id=name, type="mysql", host="127.0.0.1") for name in ("source", "empty"))
    catalog = Catalog.open(tmp_path / "catalog/catalog.db", host=HOST)
    configuration = Configuration(
        application=Application(hostname=HOST),
        instances=instances,
        catalog=CatalogSettings(path=tmp_path / "catalog/catalog.db"),
        storage=Storage(base_path=tmp_path / "backups"),
        backup=Backup(retries=0),
    )
    store = Store(configuration.storage.base_path)
    workspace = Workspace(configuration, catalog, store, Accounts(Login("me", Secret(""))))  # type: ignore[arg-type]
    source, empty = (Ledger(tmp_path / f"{name}.ledger") for name in ("source", "empty"))
    _fill(source)
    yield Office(workspace, engine, source, empty)
    catalog.close()
    engines.accounts_engine.cache_clear()


def _fill(source: Ledger) -> None:
    source.add("readers", is_role=True)
    source.add("root", "localhost", superuser="yes")
    for user, secret in SECRETS.items():
        source.add(user, secret=secret)
    source.grant("readers", "SELECT", "shop%.*")
    source.grant("alice", "membership", "readers@%")
    source.grant("app", "INSERT", "shop.*")
    source.grant("app", "SELECT (price)", "shop.item", database="shop")
    source.grant("bob", "SELECT", "*.*")


def verdicts(done: RestoredAccounts) -> dict[str, str]:
    """Return the verdict of each account."""
    return {one.name: one.verdict for one in done.verdicts}


# ------------------------------------------------------------------ reading


def test_a_stored_backup_and_the_server_tell_the_same_accounts(office: Office) -> None:
    """Both are read by the same engine, the live one from memory alone."""
    row = office.backup()
    live = of_server(office.workspace, office.workspace.instance("source"))
    assert of_backup(office.workspace, row) == live.accounts
    assert len(live.accounts) == 5


def test_a_backup_with_another_content_is_not_read(office: Office) -> None:
    """Whatever decodes is still compared with the digest that the catalog has."""
    row = office.backup()
    with pytest.raises(ArtifactDamaged, match="SHA-256"):
        of_backup(office.workspace, replace(row, sha256="0" * 64))


def test_an_account_that_may_not_read_accounts_is_told_the_grant(office: Office) -> None:
    """Before anything is read."""
    office.engine.lacking = (MissingPrivilege("SELECT", "mysql.user is not readable", "GRANT SELECT ON mysql.*"),)
    with pytest.raises(PrivilegeMissing, match=r"source/@users: the account lacks SELECT") as refused:
        of_server(office.workspace, office.workspace.instance("source"))
    assert "GRANT SELECT" in refused.value.hint


# ------------------------------------------------------------------ restoring


def test_all_accounts_come_back_and_a_second_run_says_that_they_are_the_same(office: Office) -> None:
    """What needs a database waits for it, the account itself stands; root is kept back."""
    office.backup()
    first, second = office.restore(), office.restore()

    assert verdicts(first) == {
        "readers@%": "created",
        "root@localhost": "kept back",
        "alice@%": "created",
        "app@%": "waits",
        "bob@%": "created",
    }
    assert first.ok
    same = dict.fromkeys(("readers@%", "alice@%", "bob@%"), "same")
    assert verdicts(second) == {**same, "root@localhost": "kept back", "app@%": "waits"}
    assert not second.ok


def test_what_waited_for_a_database_is_granted_by_the_same_command_after_it_is_there(office: Office) -> None:
    """Without --force, and only that: the third run finds everything the same."""
    office.backup()
    (waits,) = (one for one in office.restore().verdicts if one.verdict == "waits")
    office.empty.run("INSERT INTO database VALUES ('shop')")

    then, at_last = office.restore(), office.restore()

    assert (waits.waits_for, waits.words) == (("shop",), ("created", "waits for database shop"))
    assert verdicts(then)["app@%"] == "completed"
    assert then.ok
    assert verdicts(at_last)["app@%"] == "same"


def test_a_run_that_leaves_an_account_out_does_not_forget_that_it_waits(office: Office) -> None:
    """Only what touched an account says what it waits for."""
    office.backup()
    office.restore()
    office.restore(exclude=("app",))
    office.empty.run("INSERT INTO database VALUES ('shop')")
    assert verdicts(office.restore())["app@%"] == "completed"


def test_a_grant_that_was_revoked_since_is_a_conflict_even_beside_one_that_waits(office: Office) -> None:
    """Only what the earlier restore could not do is made good without a word."""
    office.source.grant("app", "EVENT", "*.*")
    office.backup()
    office.restore()
    office.empty.run(
        "DELETE FROM granted WHERE on_what = 'shop.*'", "UPDATE account SET secret = 'x' WHERE user = 'app'"
    )
    done = office.restore()
    assert verdicts(done)["app@%"] == "conflict"


def test_a_conflict_is_left_alone_and_everything_else_goes_on(office: Office) -> None:
    """Shown with its differences; not one bit of it is changed."""
    office.backup()
    office.empty.add("bob", secret="another-hash-9999")
    office.empty.grant("bob", "DELETE", "*.*")
    before = office.empty.rows("SELECT * FROM account WHERE user = 'bob'")

    done = office.restore()

    (bob,) = (one for one in done.verdicts if one.name == "bob@%")
    assert bob.verdict == "conflict"
    assert bob.words == ("has another password or way to log in", "lost SELECT on *.*", "gained DELETE on *.*")
    assert verdicts(done)["alice@%"] == "created"
    assert not done.ok
    assert office.empty.rows("SELECT * FROM account WHERE user = 'bob'") == before


def test_force_makes_a_conflict_equal(office: Office) -> None:
    """Its password included."""
    office.backup()
    office.empty.add("bob", secret="another-hash-9999")
    done = office.restore("bob", force=True)
    assert verdicts(done) == {"bob@%": "made equal"}
    assert office.empty.rows("SELECT secret FROM account") == [(SECRETS["bob"],)]


def test_one_account_alone(office: Office) -> None:
    """And nobody else; a name without a host means each of that user's."""
    office.backup()
    assert verdicts(office.restore("bob@%")) == {"bob@%": "created"}
    assert verdicts(office.restore("root")) == {"root@localhost": "created"}
    assert office.empty.rows("SELECT user FROM account ORDER BY 1") == [("bob",), ("root",)]


def test_a_member_of_a_role_that_is_not_there_is_refused_with_the_words_that_bring_it(office: Office) -> None:
    """Before anything is touched; with the role named too, or already there, or left out on purpose, it goes on."""
    office.backup()
    with pytest.raises(RestoreRefused, match=r"alice@% cannot become a member of readers@%.* --user 'readers@%'"):
        office.restore("alice")
    assert office.empty.rows("SELECT user FROM account") == []
    left_out = office.prepare("alice", exclude=("readers",))
    assert any("member of readers" in line for line in describe(left_out, office.workspace, statements=False))
    assert verdicts(office.restore("alice", "readers")) == {"alice@%": "created", "readers@%": "created"}
    office.empty.run("DELETE FROM account WHERE user = 'alice'", "DELETE FROM granted WHERE user = 'alice'")
    assert verdicts(office.restore("alice")) == {"alice@%": "created"}


def test_an_excluded_account_is_not_made(office: Office) -> None:
    """It is named as excluded."""
    office.backup()
    done = office.restore(exclude=("bob", "app"))
    assert {name for name, verdict in verdicts(done).items() if verdict == "excluded"} == {"bob@%", "app@%"}
    assert ("bob",) not in office.empty.rows("SELECT user FROM account")


def test_a_name_that_the_backup_does_not_have_is_refused(office: Office) -> None:
    """A misspelt name must not look like a success."""
    office.backup()
    with pytest.raises(UsageError, match="'bbo'"):
        office.restore("bbo")


def test_preparing_touches_nothing_and_shows_masked_statements(office: Office) -> None:
    """The whole of a dry run: what would be done, statement by statement, without a hash."""
    office.backup()
    prepared = office.prepare()
    lines = describe(prepared, office.workspace, statements=True)
    assert any("INSERT INTO account VALUES ('bob'" in line and "******" in line for line in lines)
    assert not any(secret in line for secret in SECRETS.values() for line in lines)
    assert office.empty.rows("SELECT * FROM account") == []
    kinds = [str(statement.kind) for _, statement in prepared.work]
    assert kinds == ["role", "user", "user", "user", "membership", "grant", "grant", "grant", "object grant"]


def test_one_account_that_fails_stops_nobody_else_and_is_named_with_its_statement(office: Office) -> None:
    """Such as one whose plugin the server lacks: its other statements are not tried, the code is told, no hash."""
    office.source.run("DROP TRIGGER plugin")
    office.source.add("odd", secret="strange:hash-77777")
    office.source.grant("odd", "SELECT", "*.*")
    office.backup()

    done = office.restore()

    (odd,) = (one for one in done.verdicts if one.name == "odd@%")
    assert (odd.verdict, len(odd.words)) == ("failed", 1)
    assert "1524" in odd.words[0]
    assert "INSERT INTO account VALUES ('odd'" in odd.words[0]
    assert verdicts(done)["bob@%"] == "created"
    assert not done.ok
    (row,) = restores(office.workspace.catalog)
    assert (row.state, row.message) == ("failed", "1 account could not be restored: odd@%")


def test_an_account_that_is_not_equal_afterwards_has_failed(office: Office) -> None:
    """Statements that all succeed are not enough."""
    office.backup()
    office.empty.run(
        "CREATE TRIGGER weak AFTER INSERT ON account BEGIN UPDATE account SET secret = 'weak' WHERE user = 'bob'; END"
    )
    (bob,) = office.restore("bob").verdicts
    assert bob.verdict == "failed"
    assert bob.words == ("differs afterwards, on the server: has another password or way to log in",)


def test_a_finding_that_blocks_refuses_before_anything_is_touched(office: Office) -> None:
    """Every one of them is told."""
    office.backup()
    office.engine.findings = (
        Finding(True, "the account lacks CREATE USER", "GRANT CREATE USER"),
        Finding(False, "note"),
    )
    with pytest.raises(RestoreRefused, match="lacks CREATE USER"):
        office.restore()
    assert office.empty.rows("SELECT * FROM account") == []


def test_each_account_stands_in_the_event_with_its_verdict_and_no_hash_anywhere(office: Office) -> None:
    """The catalog, the sidecars and the tree hold no hash but the dump itself."""
    office.backup()
    office.restore()
    (event,) = office.workspace.catalog.rows("SELECT data FROM events WHERE type = 'restored'")
    assert '"name":"app@%","verdict":"waits"' in event["data"]
    sidecars = [path.read_text() for path in office.workspace.store.base_path.rglob("*.json")]
    assert sidecars
    for secret in SECRETS.values():
        assert secret not in office.said()
        assert not any(secret in text for text in sidecars)


def test_a_restore_that_died_is_closed_and_told_to_be_repeated(office: Office) -> None:
    """There is nothing to take back, and the server need not be asked."""
    office.backup()
    gone = Process(host=HOST, boot_id="another boot", pid=1, started_ticks=1)
    begun = RestoreStarted(
        restore_id=new_id(), target_instance="empty", target_database=USERS, source_path="x", requested="", process=gone
    )
    office.workspace.catalog.append(begun)
    (sentence,) = close_orphans(office.workspace)
    assert ACCOUNTS_STAND in sentence
    (row,) = restores(office.workspace.catalog)
    assert (row.state, row.left_behind) == ("failed", "")
    assert close_orphans(office.workspace) == []


# ------------------------------------------------------------------ drift


def test_a_backup_whose_accounts_differ_says_so(office: Office) -> None:
    """With counts and words; one that is equal says nothing, neither does the first."""
    first, second = office.backup(), office.backup()
    office.source.run("DELETE FROM account WHERE user = 'bob'", "DELETE FROM granted WHERE user = 'bob'")
    office.source.add("eve", secret="hash-of-eve-6666", superuser="yes")
    office.source.run("UPDATE account SET secret = 'hash-of-alice-4712' WHERE user = 'alice'")
    third = office.backup()

    catalog = office.workspace.catalog
    assert changed_in(catalog, first.backup_id) is None
    assert changed_in(catalog, second.backup_id) is None
    changed = changed_in(catalog, third.backup_id)
    assert changed is not None
    assert (changed.before, changed.added, changed.removed, changed.changed) == (second.backup_id, 1, 1, 1)
    assert changed.words == (
        "alice@% has another password or way to log in",
        "bob@% was removed (user)",
        "eve@% was added (user, superuser)",
    )
    assert newest_drift(catalog) == [changed]
    assert "hash-of" not in office.said()
    assert newest_drift(catalog)[0].sentence == "1 added, 1 removed, 1 changed"


def test_accounts_that_could_not_be_compared_are_no_silence(office: Office) -> None:
    """The one before is gone: the new backup is good all the same, and says why nothing is known."""
    first = office.backup()
    office.workspace.store.path(first.path or "").write_bytes(b"rubbish")
    office.source.add("eve")
    second = office.backup()
    changed = changed_in(office.workspace.catalog, second.backup_id)
    assert changed is not None
    assert first.path in changed.problem
    assert second.state == "good"


def test_an_older_backup_is_never_compared_with_a_newer_one(office: Office) -> None:
    """A dump whose read-back was cut off is read back later, when a newer one is good already."""
    first = office.backup()
    office.source.add("eve")
    second = office.backup()
    assert changes_since(office.workspace, first) == []
    assert [event.before for event in changes_since(office.workspace, second)] == [first.backup_id]


def test_states_are_named_by_id_by_time_and_as_live(office: Office) -> None:
    """A day means its end."""
    row = office.backup()
    office.source.add("eve")
    now = office.workspace.clock().isoformat()
    by_id, at, live = (state_at(office.workspace, "source", said, "--from") for said in (row.backup_id, now, "live"))
    assert by_id.accounts == at.accounts
    assert len(live.accounts) == len(at.accounts) + 1
    with pytest.raises(UsageError, match="--to 'yesterday' is no time"):
        state_at(office.workspace, "source", "yesterday", "--to")


# ------------------------------------------------------------------ who may do what


def test_who_may_do_what_on_a_database(office: Office) -> None:
    """Directly, everywhere, by a pattern, on a table in it, and through a role."""
    office.backup()
    told = {
        (row.account, row.privilege, row.on, row.via) for row in rights_on(office.workspace, Key("source", "shop")).rows
    }
    assert told == {
        ("alice@%", "SELECT", "shop%.*", "readers@%"),
        ("app@%", "INSERT", "shop.*", ""),
        ("app@%", "SELECT (price)", "shop.item", ""),
        ("bob@%", "SELECT", "*.*", ""),
        ("readers@%", "SELECT", "shop%.*", ""),
    }
