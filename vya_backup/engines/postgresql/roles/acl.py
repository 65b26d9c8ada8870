"""PURE: what the GRANT, REVOKE, OWNER TO and ALTER DEFAULT PRIVILEGES of a pg_dump come to.

The rule: a statement that is not understood changes nothing; an owner is told as such, not by each of its rights.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from vya_backup.decisions.naming import show
from vya_backup.engines.accounts import DatabasePrivilege
from vya_backup.engines.postgresql.roles.lexer import Sentence, Token
from vya_backup.engines.postgresql.roles.statements import Words

PUBLIC = "PUBLIC"
_ROUTINES = frozenset({"function", "procedure"})
# Where there is but one privilege, ALL is that one.
_ALL = dict.fromkeys(("function", "procedure"), "EXECUTE") | dict.fromkeys(("type", "domain", "language"), "USAGE")
_COLUMN = re.compile(r"([A-Z]+) \((.*)\)(.*)", re.DOTALL)


@dataclass
class Acl:
    """What was said so far."""

    kinds: Mapping[str, str]
    """What is no plain table among those that GRANT and OWNER TO call so, `{"sales.few": "view"}`."""
    owners: dict[str, str] = field(default_factory=dict)
    """By object, `table sales.invoice`."""
    granted: defaultdict[tuple[str, str], dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))
    """By account and object: whether each privilege may be granted on."""
    makers: dict[str, str] = field(default_factory=dict)
    """By the words of a default privilege: who makes these objects, and so owns them."""
    closed: set[str] = field(default_factory=set)
    """Routines that not everybody may run."""

    def rows(self) -> Iterator[DatabasePrivilege]:
        """Yield what accounts may do; on a routine that nobody was kept from, PUBLIC may EXECUTE."""
        for on, owner in self.owners.items():
            yield DatabasePrivilege(owner, on, "owner")
            if on.partition(" ")[0] in _ROUTINES and on not in self.closed:
                yield DatabasePrivilege(PUBLIC, on, "EXECUTE")
        for (account, on), privileges in self.granted.items():
            if account not in {self.owners.get(on), self.makers.get(on)}:
                told = (one + (" with grant option" if grantable else "") for one, grantable in privileges.items())
                yield from (DatabasePrivilege(account, on, one) for one in _columns_together(told))

    def named(self, on: str) -> str:
        """Return the words for an object with its true kind."""
        kind, _, name = on.partition(" ")
        return f"{self.kinds[name]} {name}" if kind == "table" and name in self.kinds else on


def _columns_together(privileges: Iterable[str]) -> Iterator[str]:
    """Turn `SELECT (a)`, `SELECT (b)` into `SELECT (a, b)`."""
    columns: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in privileges:
        if match := _COLUMN.fullmatch(one):
            columns[match[1], match[3]].append(match[2])
        else:
            yield one
    yield from (f"{word} ({', '.join(names)}){options}" for (word, options), names in columns.items())


def change(acl: Acl, sentence: Sentence) -> None:
    """Take one statement into account."""
    words = Words(sentence.tokens)
    try:
        if words.take("alter", "default", "privileges"):
            _default(acl, words)
        elif words.take("alter"):
            _owner(acl, sentence)
        elif words.take("grant"):
            _grant(acl, words, gives=True)
        elif words.take("revoke"):
            _grant(acl, words, gives=False)
    except ValueError:
        return


def _owner(acl: Acl, sentence: Sentence) -> None:
    tokens = sentence.tokens
    if [token.value for token in tokens[-3:-1]] == ["owner", "to"]:
        acl.owners[acl.named(_object(tokens[1:-3]))] = show(tokens[-1].value)


def _default(acl: Acl, words: Words) -> None:
    words.need("for", "role")
    maker = show(words.name())
    place = f" in {show(words.name())}" if words.take("in", "schema") else ""
    gives = words.take("grant")
    if not gives:
        words.need("revoke")
    privileges = _privileges(words)
    words.need("on")
    what = " ".join(token.value for token in words.until("to", "from"))
    on = f"{what} that {maker} will make{place}"
    acl.makers[on] = maker
    _apply(acl, words, (on, privileges), gives=gives)


def _grant(acl: Acl, words: Words, *, gives: bool) -> None:
    words.take("grant", "option", "for")
    privileges = _privileges(words)
    words.need("on")
    on = acl.named(_object(words.until("to", "from")))
    only = _ALL.get(on.partition(" ")[0])
    privileges = [only if only and one == "ALL" and gives else one for one in privileges]
    _apply(acl, words, (on, privileges), gives=gives)


def _privileges(words: Words) -> list[str]:
    """Return `SELECT`, `UPDATE (price)` …: what stands before ON, apart at the commas outside of parentheses."""
    found: list[str] = []
    depth, is_next = 0, True
    for token in words.until("on"):
        depth += {"(": 1, ")": -1}.get(token.value, 0) if token.kind == "symbol" else 0
        if token.value == "," and depth == 0:
            is_next = True
        elif is_next:
            found.append(token.value.upper())
            is_next = False
        else:
            found[-1] = _joined(found[-1], token)
    return found


def _apply(acl: Acl, words: Words, what: tuple[str, list[str]], *, gives: bool) -> None:
    on, privileges = what
    words.need("to" if gives else "from")
    account = PUBLIC if words.take("public") else show(words.name())
    grantable = words.take("with", "grant", "option")
    there = acl.granted[account, on]
    if gives:
        there.update(dict.fromkeys(privileges, grantable))
        return
    if account == PUBLIC and privileges == ["ALL"]:
        acl.closed.add(on)
    for privilege in list(there) if privileges == ["ALL"] else privileges:
        there.pop(privilege, None)


def _object(tokens: tuple[Token, ...]) -> str:
    """Return `table sales.invoice`, `function sales.total(integer, text)`."""
    text = tokens[0].value if tokens else ""
    for token in tokens[1:]:
        text = _joined(text, token)
    return text


def _joined(text: str, token: Token) -> str:
    is_close = token.kind == "symbol" and (token.value != "(" or not text.isupper())
    return text + ("" if is_close or text.endswith(("(", ".", "[")) else " ") + show(token.value)
