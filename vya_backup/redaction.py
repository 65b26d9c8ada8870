"""Keeps secrets out of sight: a value whose repr hides it, and a scrubber that knows every secret in use.

Redaction is by value, not by pattern: whatever was revealed once in this process is replaced wherever it turns up.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "******"
_SHORTEST_TO_SCRUB = 4  # a shorter value would tear holes into unrelated text
_SHORTEST_TOKEN = 8
_PLAIN_WORD = re.compile(r"[a-z]{1,15}")

_known: set[str] = set()
_users: set[str] = set()
_lock = threading.Lock()


@dataclass(frozen=True, repr=False)
class Secret:
    """A text that must not be shown. `str` and `repr` give the mask; only `reveal` gives the text."""

    _value: str

    def __post_init__(self) -> None:
        remember(self._value)

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def reveal(self) -> str:
        """Return the text itself, for the one place that hands it to a driver or into a secret file."""
        return self._value


def remember(value: str) -> None:
    """Make `scrub` replace this value, and its URL-quoted and escaped spellings, from now on."""
    if len(value) < _SHORTEST_TO_SCRUB:
        return
    spellings = {value, quote(value, safe=""), quote_plus(value), repr(value)[1:-1], value.replace("\\", "\\\\")}
    with _lock:
        _known.update(spellings)


def remember_url(url: str) -> None:
    """Make `scrub` replace an address that is a secret, and whatever in it may be one: account, token, parameter.

    Host names stay legible, and so do short lower-case words of the path, which stand in ordinary texts too.
    """
    remember(url)
    parts = urlsplit(url)
    remember(unquote(parts.password or ""))
    rest = url.partition("://")[2]
    for piece in re.split(r"[/?&=@:#]", rest):
        if len(piece) >= _SHORTEST_TOKEN and "." not in piece and not _PLAIN_WORD.fullmatch(piece):
            remember(unquote(piece))


def scrub(text: str) -> str:
    """Return the text with every known secret replaced by the mask."""
    with _lock:
        values = sorted(_known, key=len, reverse=True)
    for value in values:
        if value in text:
            text = text.replace(value, MASK)
    return text


def mask_user(name: str) -> str:
    """Return a user name as logs may show it: its first three characters and stars, `adm***`."""
    return f"{name[:3]}***"


def remember_user(name: str) -> None:
    """Make `mask_users` mask this account from now on, wherever a text shows it as one."""
    if name:
        with _lock:
            _users.add(name)


def mask_users(text: str) -> str:
    """Return the text with every known account masked where it is quoted, or follows `user`, `role` or `//`.

    A word is not enough: an account named `backup` must not tear holes into the path of every backup.
    """
    with _lock:
        names = [name for name in _users if name in text]
    for name in names:
        word = re.escape(name)
        shown = rf"(?<=['\"`]){word}(?=['\"`])|(?<=//){word}(?=[:@])|(\b(?:user|username|role)\b[ =:]+){word}(?!\w)"
        text = re.sub(shown, lambda found, name=name: (found[1] or "") + mask_user(name), text)  # type: ignore[misc]
    return text
