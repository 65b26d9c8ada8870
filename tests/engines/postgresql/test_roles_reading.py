"""The reader of roles dumps: any name and text comes through, and what is not understood is an error, never lost."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vya_backup.decisions.accounts import MEMBERSHIP, UNKNOWN, AccountName, Grant, Kind, changes, in_order
from vya_backup.decisions.naming import show
from vya_backup.engines import accounts_engine
from vya_backup.engines.dumping import Observation
from vya_backup.engines.postgresql.properties import identifier, literal
from vya_backup.engines.postgresql.roles.lexer import Remark, Sentence, script
from vya_backup.engines.postgresql.roles.observer import AccountsObserver
from vya_backup.engines.postgresql.roles.reading import END, END_OF_ROLES, About
from vya_backup.redaction import scrub

ENGINE = accounts_engine("postgresql")
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=63)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80)
WHOLE = f"""--
-- PostgreSQL database cluster dump
--

\\restrict abc
SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';

CREATE ROLE app;
ALTER ROLE app WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS PASSWORD 'md5abcdef';
CREATE ROLE staff;
ALTER ROLE staff WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
GRANT staff TO app WITH ADMIN OPTION, INHERIT TRUE GRANTED BY postgres;
\\unrestrict abc

--
-- PostgreSQL database cluster dump complete
--

--
{About().line()}

ALTER ROLE app IN DATABASE "sh op" SET work_mem TO '5MB';

{END}
"""


def escaped(text: str) -> str:
    """Quote as libpq does where a backslash is in it (appendStringLiteral)."""
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{doubled}'" if "\\" in text else f"'{doubled}'"


@given(NAMES, NAMES, TEXTS, TEXTS)
@example("a\nCREATE ROLE b;", "x'\"", "\\'; -- $$", "'")
@example("-- ", "/*", "*/ $a$", "\\")
def test_any_name_and_text_comes_through(role: str, member: str, password: str, comment: str) -> None:
    """Quoted as the tools do; the statements read again say the same, and the masked ones show no password."""
    secret = f"SCRAM-SHA-256${password}"
    text = f"""CREATE ROLE {identifier("r" + role)};
ALTER ROLE {identifier("r" + role)} WITH LOGIN PASSWORD {escaped(secret)};
CREATE ROLE {identifier("m" + member)}; -- remark
COMMENT ON ROLE {identifier("m" + member)} IS {escaped(comment)};
ALTER ROLE {identifier("m" + member)} IN DATABASE {identifier(role)} SET "a"."b" TO {literal(comment)}, {escaped(role)};
GRANT {identifier("r" + role)} TO {identifier("m" + member)} GRANTED BY {identifier(role)};
"""

    user, group = ENGINE.read(text)

    assert (user.name, group.name) == (AccountName("r" + role), AccountName("m" + member))
    assert (user.is_role, user.authentication) == (False, secret)
    assert group.facts["comment"] == show(comment)
    assert group.facts[f"setting a.b in {show(role)}"] == show(f"{comment}, {role}")
    assert group.grants == {Grant(MEMBERSHIP, show("r" + role))}
    assert [one.database for one in group.statements if one.kind is Kind.OBJECT_GRANT] == [role]
    again = ENGINE.read(";\n".join(one.text for one in (*user.statements, *group.statements)) + ";")
    assert [list(changes(*pair)) for pair in zip((user, group), again, strict=True)] == [[], []]
    assert all(secret not in one.masked for one in user.statements)
    assert secret not in repr(user)
    assert secret not in scrub(f"it said {secret}.")


PIECES = st.sampled_from(["a", " ", "'", '"', "$", "$$", "--", "/*", "*/", "\\", ";", "\n", "E'", "é"])


@given(st.lists(PIECES, max_size=12))
def test_no_byte_of_a_text_is_lost_or_read_twice(pieces: list[str]) -> None:
    """Statements and remarks are parts of the text, in its order; else it is an error."""
    text = "".join(pieces)
    try:
        found = list(script(text))
    except ValueError:
        return
    position = 0
    for one in found:
        position = text.index(one.text, position) + len(one.text)
        assert isinstance(one, Remark) or (one.tokens and one.text == one.text.strip(" \n"))
    assert sum(isinstance(one, Sentence) for one in found) <= text.count(";")


@pytest.mark.parametrize(
    "text",
    [
        "CREATE ROLE a",
        'CREATE ROLE "a;',
        "CREATE ROLE a; COMMENT ON ROLE a IS E'x\\'",
        "/* CREATE ROLE a;",
        "CREATE ROLE a SUPERUSER;",
        "CREATE ROLE a; ALTER ROLE a WITH FLYING;",
        "CREATE ROLE a; ALTER ROLE b WITH LOGIN;",
        "CREATE ROLE a; GRANT a TO b;",
        "CREATE ROLE a; DROP ROLE a;",
        "CREATE ROLE a; ALTER ROLE a SET x TO 'y' z;",
        "CREATE ROLE a; COMMENT ON ROLE a IS E'\\x41';",
        "CREATE ROLE a; ALTER ROLE a WITH PASSWORD 'hidden word' 7;",
        "CREATE TABLE a (b int);",
        f"CREATE ROLE a;\n{END}\nCREATE ROLE b;",
        "-- Accounts: nonsense\n",
    ],
)
def test_what_is_not_understood_is_an_error(text: str) -> None:
    """With its place, and without what stood in quotes."""
    with pytest.raises(ValueError, match=r"line \d|the line") as caught:
        ENGINE.read(text)

    assert "hidden" not in str(caught.value)


def test_facts_and_grants_are_words() -> None:
    """Attributes that are at their default are left out; an endless expiry is none."""
    flags = "SUPERUSER NOINHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS CONNECTION LIMIT 3"
    text = f"""CREATE ROLE a; ALTER ROLE a WITH {flags} VALID UNTIL '2030-01-01 00:00:00+00';
        CREATE ROLE b; ALTER ROLE b WITH VALID UNTIL 'infinity';
        GRANT b TO a WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY c; GRANT x TO b;"""

    a, b = ENGINE.read(text)

    assert dict(a.facts) == {
        "superuser": "yes",
        "allowed to create roles": "yes",
        "allowed to create databases": "yes",
        "allowed to replicate": "yes",
        "exempt from row security": "yes",
        "without inheritance": "yes",
        "connection limit": "3",
        "valid until": "2030-01-01 00:00:00+00",
    }
    assert b.facts == {}
    (grant,) = a.grants
    assert str(grant) == "membership of b with admin option, without inheritance, without SET, granted by c"
    assert [str(grant) for grant in b.grants] == ["membership of x"]
    assert "became superuser" in list(changes(b, a))


def test_the_bootstrap_superuser_is_no_grantor_that_is_told() -> None:
    """On every server it is the grantor, under whatever name: neither words nor statements hold it."""
    about = About("chief").line()

    (account,) = ENGINE.read(f"CREATE ROLE a; GRANT b TO a WITH INHERIT TRUE GRANTED BY chief;\n{about}\n")

    assert account.grants == {Grant(MEMBERSHIP, "b")}
    assert not any("chief" in one.text for one in account.statements)


def test_a_grantor_that_could_not_grant_is_not_told() -> None:
    """Before 16 any name could stand there; a newer server would refuse the statement."""
    a, b, _ = ENGINE.read("""CREATE ROLE a; CREATE ROLE b; CREATE ROLE y;
        GRANT r TO a GRANTED BY x; GRANT r TO b GRANTED BY y; GRANT r TO y WITH ADMIN OPTION;""")

    assert [str(grant) for one in (a, b) for grant in one.grants] == ["membership of r", "membership of r granted by y"]
    assert "GRANTED BY" not in a.statements[-1].text


def test_a_predefined_role_may_be_a_member() -> None:
    """It has no account of its own in the dump: the role that was granted to it tells so."""
    (account,) = ENGINE.read("CREATE ROLE a; GRANT a TO pg_monitor WITH ADMIN OPTION, INHERIT TRUE;")
    (other,) = ENGINE.read("CREATE ROLE a; GRANT a TO pg_signal_backend WITH INHERIT TRUE;")

    assert (account.facts, account.grants) == ({"member pg_monitor": "with admin option"}, frozenset())
    assert [one.text for one in ENGINE.equalize(account, other)] == [
        'REVOKE "a" FROM "pg_signal_backend"',
        'GRANT "a" TO "pg_monitor" WITH ADMIN OPTION, INHERIT TRUE, SET TRUE',
    ]
    assert next(changes(account, other)).startswith("has no member pg_monitor any more")


def test_the_line_of_an_error_is_told() -> None:
    """Counted through names and comments with line breaks."""
    with pytest.raises(ValueError, match=r"^line 7: "):
        ENGINE.read('CREATE ROLE "a\n\n";\n-- x\n\n/* \n*/ DROP ROLE a;')


def test_memberships_keep_the_order_of_the_dump_across_accounts() -> None:
    """A grantor's own membership stands before what it granted, whatever their names are."""
    text = """CREATE ROLE a; CREATE ROLE r; CREATE ROLE z; GRANT r TO z WITH ADMIN OPTION, INHERIT TRUE;
        GRANT r TO a WITH INHERIT TRUE GRANTED BY z;"""

    grants = [one for account in ENGINE.read(text) for one in account.statements if one.kind is Kind.MEMBERSHIP]

    assert ['TO "a"' in one.text for one in grants] == [True, False]
    assert ['TO "a"' in one.text for one in in_order(grants)] == [False, True]


def test_without_passwords_none_is_ever_judged() -> None:
    """What the dump's account might not read is unknown, which is no difference and never taken away."""
    about = About("postgres", passwords=False).line()
    (dumped,) = ENGINE.read(f"CREATE ROLE a; ALTER ROLE a WITH LOGIN;\n{about}\n")
    (live,) = ENGINE.read("CREATE ROLE a; ALTER ROLE a WITH LOGIN PASSWORD 'md5abc';")

    assert dumped.authentication == UNKNOWN
    assert list(changes(dumped, live)) == []
    assert ENGINE.equalize(dumped, live) == ()


def test_a_dump_is_complete_only_to_its_last_byte() -> None:
    """Cut anywhere, or with something behind its end, it is not; the objects are those of the whole."""
    assert observed(WHOLE).complete
    assert observed(WHOLE).manifest.objects == {
        "membership": ("app in staff",),
        "role": ("staff",),
        "setting": ("app: setting work_mem in sh op",),
        "user": ("app",),
    }
    assert [size for size in range(len(WHOLE)) if observed(WHOLE[:size]).complete] == []
    for wrong in (WHOLE + "x", WHOLE + WHOLE, WHOLE.replace(END_OF_ROLES, "--"), WHOLE.replace("GRANT", "GRAND")):
        assert not observed(wrong).complete
    assert not observed_bytes(WHOLE.encode().replace(b"sh op", b"sh\xffop")).complete


def observed(text: str) -> Observation:
    """Show a text to a fresh observer."""
    return observed_bytes(text.encode())


def observed_bytes(plain: bytes) -> Observation:
    """Show bytes to a fresh observer, in pieces."""
    observer = AccountsObserver()
    for start in range(0, len(plain), 100):
        observer.feed(plain[start : start + 100])
    return observer.finish()


def test_only_a_password_leaves_the_shape_of_accounts_as_it_is() -> None:
    """The digest in the manifest tells of every other change, and nothing of a password."""
    shape = observed(WHOLE).manifest.schema_hash

    assert observed(WHOLE.replace("md5abcdef", "md5fedcba")).manifest.schema_hash == shape
    for old, new in {"NOCREATEDB LOGIN": "CREATEDB LOGIN", "'5MB'": "'6MB'", "INHERIT TRUE": "INHERIT FALSE"}.items():
        assert observed(WHOLE.replace(old, new)).manifest.schema_hash != shape
