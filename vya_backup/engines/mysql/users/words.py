"""PURE: cuts a statement about accounts into its words; quotes are respected, nothing is understood.

The server writes such statements for a session without ANSI_QUOTES and with backslashes as escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`(?:[^`]|``)*`|0x[0-9A-Fa-f]*|-?\d+(?:\.\d+)?|[A-Za-z_$][\w$]*|\S",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a", "%": "\\%", "_": "\\_"}


@dataclass(frozen=True)
class Word:
    """One word of a statement, as written, and where it begins."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Return where the next one may begin."""
        return self.start + len(self.text)


def words(statement: str) -> list[Word]:
    """Return the words of a statement; quotation marks that nothing closes are words by themselves."""
    return [Word(found.group(), found.start()) for found in _WORD.finditer(statement)]


def value(word: str) -> str:
    """Return what a quoted word means; another one means itself."""
    if word.startswith("`") and len(word) > 1:
        return word[1:-1].replace("``", "`")
    if word.startswith("'") and len(word) > 1:
        return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else "'", word[1:-1])
    return word


def octets(word: str) -> bytes:
    """Return the bytes that a quoted or a hexadecimal word stands for."""
    if word.startswith("0x"):
        return bytes.fromhex(word[2:] if len(word) % 2 == 0 else f"0{word[2:]}")
    return value(word).encode()


def listed(found: list[str]) -> Iterator[list[str]]:
    """Yield the words between the commas that stand in no brackets."""
    depth, item = 0, list[str]()
    for word in found:
        depth += (word == "(") - (word == ")")
        if word == "," and not depth:
            yield item
            item = []
        else:
            item.append(word)
    if item:
        yield item
