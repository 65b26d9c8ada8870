"""Which grants reach a database: patterns, escapes, what lies within it, roles of roles."""

from __future__ import annotations

import pytest

from vya_backup.decisions.accounts import MEMBERSHIP, Account, AccountName, Grant
from vya_backup.engines.mysql.rights import is_like, reaches, rights


@pytest.mark.parametrize(
    ("privilege", "on", "does"),
    [
        ("SELECT", "*.*", True),
        ("ALL PRIVILEGES", "*.*", True),
        ("USAGE", "*.*", False),
        ("BACKUP_ADMIN", "*.*", False),
        ("PROXY", "*.*", False),
        ("SELECT", "my_db.*", True),
        ("SELECT", r"my\_db.*", True),
        ("SELECT", "my%.*", True),
        ("SELECT", r"my\%.*", False),
        ("SELECT", "MY_DB.*", False),
        ("SELECT", "other.*", False),
        ("SELECT (a, b)", "my_db.item", True),
        ("SELECT", "myxdb.item", False),
        ("EXECUTE", "function my_db.total", True),
        ("EXECUTE", "procedure my_db.total", True),
        ("EXECUTE", "procedure other.my_db.", False),
        (MEMBERSHIP, "my_db.x", False),
    ],
)
def test_a_grant_reaches_a_database_or_not(privilege: str, on: str, does: bool) -> None:
    """Only a grant on all of a database is a pattern; names of tables are taken as they are."""
    assert reaches(Grant(privilege, on), "my_db") is does


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [("a_c", "abc", True), (r"a\_c", "abc", False), (r"a\_c", "a_c", True), ("%", "", True), ("a.c", "abc", False)],
)
def test_patterns_of_names(pattern: str, name: str, fits: bool) -> None:
    """As LIKE takes them."""
    assert is_like(pattern, name) is fits


def test_a_role_of_a_role_is_followed_once_and_circles_end() -> None:
    """`via` is the role that holds the grant."""

    def account(user: str, *grants: Grant) -> Account:
        return Account(AccountName(user, "%"), is_role=user != "eve", statements=(), grants=frozenset(grants))

    top = account("top", Grant("SELECT", "shop.*"), Grant(MEMBERSHIP, "middle@%"))
    middle = account("middle", Grant(MEMBERSHIP, "top@%"))
    eve = account("eve", Grant(MEMBERSHIP, "middle", "with admin option"))
    told = [(row.account, row.via) for row in rights([top, middle, eve], "shop")]
    assert told == [("eve@%", "top@%"), ("middle@%", "top@%"), ("top@%", "")]


def test_a_partial_revoke_takes_back_what_is_held_everywhere_on_that_database_alone() -> None:
    """And only from the one who was revoked: a role may still give it."""
    reader = Account(AccountName("reader", "%"), True, (), grants=frozenset({Grant("SELECT", "*.*")}))
    grants = {Grant("SELECT", "*.*"), Grant("INSERT", "*.*"), Grant("revoke of SELECT", "shop.*")}
    eve = Account(AccountName("eve", "%"), False, (), grants=frozenset(grants))
    bob = Account(AccountName("bob", "%"), False, (), grants=frozenset({*grants, Grant(MEMBERSHIP, "reader@%")}))

    told = {(row.account, row.privilege, row.via) for row in rights([reader, eve, bob], "shop")}

    assert told == {
        ("reader@%", "SELECT", ""),
        ("eve@%", "INSERT", ""),
        ("bob@%", "INSERT", ""),
        ("bob@%", "SELECT", "reader@%"),
    }
    assert ("eve@%", "SELECT") in {(row.account, row.privilege) for row in rights([eve], "other")}
