"""PURE: splits plain SQL as pg_dumpall writes it into statements: quotes first, then comments, then semicolons.

The rule: what stands in quotes is never taken for SQL, and what is not understood is an error with its line. Strings
are read as with `standard_conforming_strings` on, which such dumps set (PostgreSQL manual, "Lexical Structure").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n\r\f\v]+)
    |(?P<comment>--[^\n]*)
    |(?P<block>/\*)
    |(?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')
    |(?P<dollar>\$(?P<tag>(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?)\$.*?\$(?P=tag)\$)
    |(?P<name>"(?:[^"]|"")*")
    |(?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?)
    |(?P<end>;)
    |(?P<symbol>[^'"])""",
    re.VERBOSE | re.DOTALL,
)
_BLOCK = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Token:
    """One token. `kind` is string, name, word, number or symbol."""

    kind: str
    value: str
    """Without its quotes; a word in lower case, as the server folds it (letters of ASCII only)."""
    start: int
    end: int


@dataclass(frozen=True)
class Sentence:
    """One statement without its semicolon."""

    tokens: tuple[Token, ...]
    text: str
    line: int
    """Where it begins, from 1."""


@dataclass(frozen=True)
class Remark:
    """A comment line between statements, `-- …` whole."""

    text: str


def script(text: str) -> Iterator[Sentence | Remark]:
    r"""Yield statements and the comments between them; lines such as `\restrict` between statements are passed over.

    Raises:
        ValueError: a quote or comment never ends, or the last statement has no semicolon.
    """
    tokens: list[Token] = []
    line, counted = 1, 0
    for token in _tokens(text):
        if token.kind == "comment":
            if not tokens:
                yield Remark(token.value)
        elif token.kind != "end":
            tokens.append(token)
        elif tokens:
            start = tokens[0].start
            line, counted = line + text.count("\n", counted, start), start
            yield Sentence(tuple(tokens), text[start : tokens[-1].end], line)
            tokens = []
    if tokens:
        raise ValueError(f"line {line_of(text, tokens[0].start)}: a statement has no end")


def _tokens(text: str) -> Iterator[Token]:
    position, is_between = 0, True
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"line {line_of(text, position)}: a quote is never closed")
        kind, position = match.lastgroup or "", match.end()
        if kind == "block":
            position = _after_block(text, match.start())
        elif match[0] == "\\" and is_between:
            position = _line_end(text, position)
        elif kind != "space":
            try:
                value = _value(match)
            except ValueError as error:
                raise ValueError(f"line {line_of(text, match.start())}: {error}") from error
            yield Token("string" if kind == "dollar" else kind, value, match.start(), position)
            is_between = kind == "end" or (is_between and kind == "comment")


def line_of(text: str, position: int) -> int:
    """Return the line of a position, from 1."""
    return text.count("\n", 0, position) + 1


def _value(match: re.Match[str]) -> str:
    word = match[0]
    match match.lastgroup:
        case "word":
            return word.translate(_LOWER)
        case "name":
            return word[1:-1].replace('""', '"')
        case "dollar":
            width = len(match["tag"]) + 2
            return word[width:-width]
        case "string" if word[0] == "'":
            return word[1:-1].replace("''", "'")
        case "string":
            return _ESCAPE.sub(_unescaped, word[2:-1])
    return word


def _unescaped(match: re.Match[str]) -> str:
    letter = match[1]
    if letter is None:
        return "'"
    if letter in "01234567xuU":
        raise ValueError(f"a string has the escape \\{letter}, which pg_dumpall never writes")
    return _ESCAPED.get(letter, letter)


def _after_block(text: str, start: int) -> int:
    depth = 0
    for mark in _BLOCK.finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise ValueError(f"line {line_of(text, start)}: a comment is never closed")


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
