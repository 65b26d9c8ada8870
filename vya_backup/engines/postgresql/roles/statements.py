"""PURE: what one statement of a roles dump says, as values; `writing` turns them into statements again.

The rule: a statement that is not one of these is an error, never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vya_backup.engines.postgresql.roles.lexer import Sentence, Token

FLAGS = ("superuser", "inherit", "createrole", "createdb", "login", "replication", "bypassrls")
UNLIMITED = -1
_BARE = frozenset({"set", "select"})  # what dumps set for their own session; nothing of it makes an account


@dataclass(frozen=True)
class Created:
    """`CREATE ROLE`."""

    role: str


@dataclass(frozen=True)
class Attributes:
    """`ALTER ROLE … WITH …`; what is not said is at its default."""

    role: str
    flags: Mapping[str, bool]
    limit: int = UNLIMITED
    password: str | None = field(default=None, repr=False)
    valid_until: str | None = None


def untouched(role: str) -> Attributes:
    """Return the attributes that CREATE ROLE gives."""
    return Attributes(role, dict.fromkeys(FLAGS, False) | {"inherit": True})


@dataclass(frozen=True)
class Setting:
    """`ALTER ROLE … [IN DATABASE …] SET …`; an empty database means everywhere."""

    role: str
    database: str
    parameter: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Comment:
    """`COMMENT ON ROLE`."""

    role: str
    text: str


@dataclass(frozen=True)
class Label:
    """`SECURITY LABEL … ON ROLE`."""

    role: str
    provider: str
    text: str


@dataclass(frozen=True)
class Membership:
    """`GRANT role TO member`. Options that are None were not said: servers before 16 know only `admin`."""

    role: str
    member: str
    admin: bool = False
    inherit: bool | None = None
    set: bool | None = None
    grantor: str = ""


Said = Created | Attributes | Setting | Comment | Label | Membership


def parse(sentence: Sentence) -> Said | None:
    """Return what a statement says; None for one that only sets up the session.

    Raises:
        ValueError: it is none that a roles dump holds; the message has its line and first words, never a value.
    """
    words = Words(sentence.tokens)
    try:
        found = _parsed(words)
    except ValueError as error:
        raise ValueError(f"line {sentence.line}: {error}") from error
    return found


class Words:
    """The tokens of a statement, taken one after the other."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._place = 0

    @property
    def is_done(self) -> bool:
        """Say whether nothing is left."""
        return self._place == len(self._tokens)

    def take(self, *wanted: str) -> bool:
        """Pass over these words or symbols, in any case, if they are next."""
        following = self._tokens[self._place : self._place + len(wanted)]
        if [token.value for token in following if token.kind in {"word", "symbol"}] != list(wanted):
            return False
        self._place += len(wanted)
        return True

    def need(self, *wanted: str) -> None:
        """Pass over these words.

        Raises:
            ValueError: others are next.
        """
        if not self.take(*wanted):
            raise ValueError(f"expected {' '.join(wanted).upper()}")

    def one(self, *kinds: str) -> str:
        """Return the value of the next token.

        Raises:
            ValueError: it is of another kind, or there is none.
        """
        if self.is_done or self._tokens[self._place].kind not in kinds:
            raise ValueError(f"expected a {' or '.join(kinds)}")
        self._place += 1
        return self._tokens[self._place - 1].value

    def until(self, *words: str) -> tuple[Token, ...]:
        """Return the tokens before the first of these words, which is next then.

        Raises:
            ValueError: none of them follows.
        """
        for place in range(self._place, len(self._tokens)):
            if self._tokens[place].kind == "word" and self._tokens[place].value in words:
                found, self._place = self._tokens[self._place : place], place
                return found
        raise ValueError(f"expected {' or '.join(words).upper()}")

    def name(self) -> str:
        """Return the next name, quoted or not."""
        return self.one("name", "word")

    def dotted(self) -> str:
        """Return a name of parts, `my.setting`."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return ".".join(parts)


def _parsed(words: Words) -> Said | None:
    if words.take("create", "role") or words.take("create", "user"):
        found: Said = Created(words.name())
        if not words.is_done:
            raise ValueError("CREATE ROLE says more than a name")
        return found
    if words.take("alter", "role") or words.take("alter", "user"):
        return _altered(words)
    if words.take("comment", "on", "role"):
        role = words.name()
        words.need("is")
        return _ended(words, Comment(role, words.one("string")))
    if words.take("security", "label", "for"):
        return _label(words)
    if words.take("grant"):
        return _membership(words)
    first = words.one("word", "name", "string", "number", "symbol")
    if first in _BARE:
        return None
    raise ValueError("this is no statement of a roles dump")


def _ended(words: Words, found: Said) -> Said:
    if not words.is_done:
        raise ValueError("the statement says more than it should")
    return found


def _altered(words: Words) -> Said | None:
    if words.take("all"):
        return None  # the settings of every role: no account's own
    role = words.name()
    database = words.name() if words.take("in", "database") else ""
    if words.take("set"):
        parameter = words.dotted()
        if not words.take("="):
            words.need("to")
        values = [words.one("string", "word", "name", "number")]
        while words.take(","):
            values.append(words.one("string", "word", "name", "number"))
        return _ended(words, Setting(role, database, parameter, tuple(values)))
    words.take("with")
    return _attributes(words, role)


def _attributes(words: Words, role: str) -> Attributes:
    flags = dict(untouched(role).flags)
    limit, password, valid_until = UNLIMITED, None, None
    while not words.is_done:
        if words.take("connection", "limit"):
            limit = int(words.one("number"))
        elif words.take("encrypted", "password") or words.take("password"):
            password = None if words.take("null") else words.one("string")
        elif words.take("valid", "until"):
            valid_until = words.one("string")
        else:
            word = words.one("word")
            flag = word.removeprefix("no")
            if flag not in FLAGS:
                raise ValueError(f"the attribute {word.upper()} is not known")
            flags[flag] = flag == word
    return Attributes(role, flags, limit, password, valid_until)


def _label(words: Words) -> Said:
    provider = words.name()
    words.need("on", "role")
    role = words.name()
    words.need("is")
    return _ended(words, Label(role, provider, words.one("string")))


def _membership(words: Words) -> Said:
    role = words.name()
    words.need("to")
    member = words.name()
    options: dict[str, bool] = {}
    if words.take("with"):
        while True:
            name = words.one("word")
            if name not in {"admin", "inherit", "set"}:
                raise ValueError(f"the option {name.upper()} of a membership is not known")
            options[name] = words.take("option") or words.take("true") or not words.take("false")
            if not words.take(","):
                break
    grantor = words.name() if words.take("granted", "by") else ""
    return _ended(
        words,
        Membership(role, member, options.get("admin", False), options.get("inherit"), options.get("set"), grantor),
    )
