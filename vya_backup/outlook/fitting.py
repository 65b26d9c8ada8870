"""Fits lines to a terminal; a file or a pipe gets them as they are, one line for each fact.

The rule: only spaces are broken at, so that paths, ids and names stay in one piece, and folded lines are indented
below the text they belong to.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import TextIO

_MARK = re.compile(r"^ *(?:(?:ok|--|FAIL|skip|\.\.|from|to|note|-|\d+) +)?")
LEAST = 40  # columns; a narrower terminal folds by itself


def fitted(text: str, out: TextIO) -> str:
    """Return the text as it is shown on `out`: folded between words where that is a terminal."""
    return folded(text, shutil.get_terminal_size().columns) if out.isatty() else text


def folded(text: str, width: int) -> str:
    """Return the text with every line folded at spaces to at most `width` columns; longer words stay whole."""
    return "\n".join(_folded_line(line, max(width, LEAST)) for line in text.split("\n"))


def _folded_line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    mark = _MARK.match(line)
    taken = mark.end() if mark else 0
    indent = " " * (taken if taken and line[:taken].strip() else taken + 2)
    rest = textwrap.wrap(
        line[taken:],
        width - len(indent),
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
    return line[:taken] + f"\n{indent}".join(rest)
