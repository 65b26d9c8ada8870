"""The text of an accounts dump: written, read again, watched, damaged, and shown without its hashes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vya_backup.decisions.accounts import AccountName, Grant, Kind, changes
from vya_backup.engines import accounts_engine
from vya_backup.engines.contract import Access
from vya_backup.engines.mysql.users.creation import parse_creation
from vya_backup.engines.mysql.users.dialects import DIALECTS, MARIADB, MYSQL
from vya_backup.engines.mysql.users.equalizing import equalize
from vya_backup.engines.mysql.users.grants import parse_grant
from vya_backup.engines.mysql.users.observer import AccountsObserver
from vya_backup.engines.mysql.users.statements import Written, account_of
from vya_backup.engines.mysql.users.text import Title, parse, read, write
from vya_backup.engines.mysql.users.words import value, words
from vya_backup.redaction import scrub
from vya_backup.settings.model import Instance

HASH = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
CREATED = (
    f"CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED VIA ed25519 USING 'Gv2JI8Env2fd5YGonZ082tX3' OR"
    f" mysql_native_password USING '{HASH}' OR unix_socket REQUIRE SUBJECT 'it''s WITH GRANT OPTION'"
    " WITH MAX_QUERIES_PER_HOUR 3 ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 30 DAY"
)


def some(*names: AccountName) -> list[Written]:
    """Return a user of each name, with a grant on an object of the same name."""
    found = []
    for name in names:
        account = MYSQL.account(name)
        found.append(
            Written(name, False, Kind.USER, f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY PASSWORD '{HASH}'")
        )
        line = parse_grant(f"GRANT SELECT (`{name.user.replace('`', '``')}`) ON `d`.`t` TO {account}")
        assert line is not None
        found.append(Written(name, False, Kind.OBJECT_GRANT, line.statement(account), "d"))
    return found


@given(st.lists(st.tuples(NAMES, NAMES), unique=True, max_size=4))
def test_what_is_written_is_read_again(pairs: list[tuple[str, str]]) -> None:
    """Whatever the names hold, line breaks and marks of our own too."""
    names = [AccountName(user, host) for user, host in pairs]
    written = some(*names)

    text = write(Title("mysql", "9.7.4", "`r`@`%`"), written)

    assert sorted(parse(text), key=repr) == sorted(written, key=repr)
    assert {account.name for account in read(text)} == set(names)
    assert observed(text).complete
    columns = {grant.privilege for account in read(text) for grant in account.grants}
    assert len(columns) == len({name.user for name in names})


@given(NAMES)
def test_a_name_is_one_word_in_a_statement(name: str) -> None:
    """And means itself again."""
    for dialect in DIALECTS.values():
        (user, _at, _host) = words(dialect.account(AccountName(name, "h")))
        assert value(user.text) == name


def observed(text: str, size: int = 1 << 20) -> object:
    """Show a text to an observer, in pieces."""
    observer, content = AccountsObserver(), text.encode()
    for start in range(0, len(content), size):
        observer.feed(content[start : start + size])
    return observer.finish()


def test_what_is_seen_does_not_depend_on_the_pieces() -> None:
    """A pipe gives pieces of any size."""
    text = write(Title("mysql", "9.7.4"), some(AccountName("a\n-- Accounts complete: {}", "%"), AccountName("b", "%")))

    assert observed(text, 1) == observed(text, 7) == observed(text)


def test_every_cut_and_every_lost_line_is_seen() -> None:
    """By the observer and by the reader."""
    text = write(Title("mysql", "9.7.4"), some(AccountName("a", "%"), AccountName("b", "::1")))
    lines = text.split("\n")
    damaged = [text[:cut] for cut in range(len(text) - 1)]
    damaged += ["\n".join(lines[:at] + lines[at + 1 :]) for at in range(3, len(lines) - 1)]
    damaged += [text + "x", text + text]

    for one in damaged:
        assert not observed(one).complete, one  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="line"):
            read(one)


def test_no_hash_is_shown() -> None:
    """Neither in what people see of a statement, nor in a repr, nor in any text from then on."""
    account = account_of(AccountName("a", "%"), False, [Written(AccountName("a", "%"), False, Kind.USER, CREATED)])
    (statement,) = account.statements

    assert HASH not in statement.masked
    assert "Gv2JI8" not in statement.masked
    assert statement.masked.count("'******'") == 2
    assert "REQUIRE SUBJECT 'it''s WITH GRANT OPTION'" in statement.masked
    assert HASH not in repr(account) + repr(parse_creation(CREATED))
    assert HASH not in scrub(f"because {HASH} is wrong")


def test_the_name_of_a_service_is_masked_and_no_secret() -> None:
    """Otherwise no text could say `mariadb-accounting` any more."""
    text = "CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED VIA pam USING 'mariadb-accounting'"
    account = account_of(AccountName("a", "%"), False, [Written(AccountName("a", "%"), False, Kind.USER, text)])

    assert "mariadb-accounting" not in account.statements[0].masked
    assert scrub("mariadb-accounting") == "mariadb-accounting"


def test_facts_and_grants_are_words() -> None:
    """With what is at its default left out."""
    name = AccountName("a", "%")
    grants = (
        "GRANT SELECT, INSERT (`na``me`, `id`) ON `shop`.`item` TO `a`@`%` IDENTIFIED BY PASSWORD 'x' WITH GRANT OPTION"
    )
    line = parse_grant(grants)
    assert line is not None
    written = [
        Written(name, False, Kind.USER, CREATED),
        Written(name, False, Kind.MEMBERSHIP, "GRANT `r` TO `a`@`%` WITH ADMIN OPTION"),
        Written(name, False, Kind.DEFAULT_ROLE, "SET DEFAULT ROLE `r` FOR `a`@`%`"),
        Written(name, False, Kind.OBJECT_GRANT, line.statement("`a`@`%`"), "shop"),
        Written(name, False, Kind.GRANT, "REVOKE SELECT ON `mysql`.* FROM `a`@`%`"),
    ]

    account = account_of(name, False, written)

    assert account.facts == {
        "plugin": "ed25519 or mysql_native_password or unix_socket",
        "TLS": "subject it's WITH GRANT OPTION",
        "queries per hour": "3",
        "locked": "yes",
        "password expires": "after 30 days",
        "default roles": "r",
    }
    assert account.grants == {
        Grant("SELECT", "shop.item", "with grant option"),
        Grant("INSERT (id, na`me)", "shop.item", "with grant option"),
        Grant("membership", "r", "with admin option"),
        Grant("revoke of SELECT", "mysql.*"),
    }


def test_two_spellings_of_a_hash_are_the_same() -> None:
    """MySQL prints bytes as text where they are printable."""
    spelled = ("0x24412430", "'$A$0'")
    made = [parse_creation(f"CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS {one}") for one in spelled]

    assert made[0].authentication == made[1].authentication
    assert made[0].authentication != parse_creation(made[0].text.replace("30", "31")).authentication


def test_only_what_differs_is_touched() -> None:
    """No privilege that both have is ever taken away, be it for a moment."""
    name, account = AccountName("a", "%"), "`a`@`%`"

    def state(*texts: str) -> object:
        made = Written(name, False, Kind.USER, f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY PASSWORD '{HASH}'")
        return account_of(name, False, [made, *(Written(name, False, Kind.GRANT, text) for text in texts)])

    wanted = state(f"GRANT INSERT, SELECT ON `shop`.* TO {account}", f"GRANT FILE ON *.* TO {account}")
    live = state(f"GRANT DELETE, SELECT ON `shop`.* TO {account} WITH GRANT OPTION", f"GRANT ALL ON `x`.* TO {account}")

    said = [statement.text for statement in equalize(wanted, live, MARIADB)]  # type: ignore[arg-type]

    assert said == [
        f"REVOKE DELETE ON `shop`.* FROM {account}",
        f"REVOKE GRANT OPTION ON `shop`.* FROM {account}",
        f"REVOKE ALL ON `x`.* FROM {account}",
        f"GRANT INSERT, SELECT ON `shop`.* TO {account}",
        f"GRANT FILE ON *.* TO {account}",
    ]
    assert list(changes(live, wanted))  # type: ignore[arg-type]
    assert equalize(wanted, wanted, MARIADB) == ()  # type: ignore[arg-type]


def test_root_and_who_restores_are_kept_back() -> None:
    """From whatever host, and whom the configuration names; roles of their name are not."""
    names = [("root", "%"), ("root", "localhost"), ("backup", "10.%"), ("app", "%"), ("app", "10.%"), ("mon", "%")]
    accounts = [account_of(AccountName(*name), False, []) for name in names]
    accounts.append(account_of(AccountName("root"), True, []))
    access = Access(Instance(id="x", type="mariadb", host="h", users_kept_back=("app@10.%", "mon")), "backup")

    kept = accounts_engine("mariadb").kept_back(accounts, access)

    assert sorted(map(str, kept)) == ["app@10.%", "backup@10.%", "mon@%", "root@%", "root@localhost"]
