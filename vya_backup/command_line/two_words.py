"""Commands of two words, such as `config validate`: the second one names what is done, and has options of its own.

doit's parser stops at the first word that is no option, so what follows it is read here with the same declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from doit.cmdparse import CmdOption, CmdParse, CmdParseError

from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained, Usage
from vya_backup.command_line.options import Declaration, what_is_wrong
from vya_backup.errors import UsageError

Action = Callable[[Mapping[str, Any]], int]


@dataclass(frozen=True)
class Word:
    """A second word: what it does, in a sentence; who does it; its options; and the names that it takes beside them.

    The action finds the names in the option `names`. One that only looks changes nothing, so that whoever reads what it
    prints may leave when he has seen enough.
    """

    about: str
    act: Action
    options: tuple[Declaration, ...] = ()
    names: str = ""
    only_looks: bool = False


class TwoWord(Explained):
    """A command whose first word names what is done."""

    words: Mapping[str, Word] = {}

    def usages(self) -> list[Usage]:
        """Return each word with its own options."""
        return [Usage(f"{name} {word.names}".rstrip(), word.about, word.options) for name, word in self.words.items()]

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Find the word, parse its options, act."""
        word = self.words.get(args[0]) if args else None
        return guarded(lambda: self._act(word, list(args)), only_looks=word is not None and word.only_looks)

    def _act(self, word: Word | None, args: list[str]) -> int:
        if word is None:
            known = ", ".join(f"doit {self.name} {name}" for name in self.words)
            raise UsageError(f"{self.name} needs to be told what to do", f"There is: {known}.")
        parser, names = CmdParse([CmdOption(dict(option)) for option in word.options]), []
        try:
            options, rest = parser.parse(args[1:])
            while rest and word.names:
                names.append(rest.pop(0))
                options, rest = parser.parse_only(rest, options)
        except CmdParseError as error:
            takes = ", ".join(f"--{option['long']}" for option in word.options)
            raise UsageError(
                f"{self.name} {args[0]}: {what_is_wrong(error)}", f"It takes {takes or 'no options'}."
            ) from error
        if rest:
            raise UsageError(f"{self.name} {args[0]} does not take {rest[0]!r}")
        return word.act({**options, "names": names})
