"""Asks on a terminal what no option said; where there is no terminal, a question without an answer is refused.

The rule: a password is typed unseen, and no answer is asked for twice.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vya_backup.errors import UsageError
from vya_backup.outlook.fitting import fitted
from vya_backup.redaction import Secret

Check = Callable[[str], str]
"""Return what is wrong with an answer, or an empty text."""
ENDED = "the conversation ended before it was done; nothing was changed"
YES = frozenset({"y", "yes"})


@dataclass(frozen=True)
class Conversation:
    """The options that were said, and whether somebody sits there who can be asked the rest."""

    options: Mapping[str, Any]
    takes_defaults: bool
    """`--yes`: what has a default is not asked."""

    @property
    def is_heard(self) -> bool:
        """Say whether there is a terminal to ask on."""
        return sys.stdin.isatty() and not self.takes_defaults

    def say(self, text: str = "") -> None:
        """Print a line, folded to the terminal."""
        print(fitted(text, sys.stdout), flush=True)

    def ask(self, option: str, question: str, default: str = "", check: Check = lambda answer: "") -> str:
        """Return what was said with the option, else what is answered; an empty answer is the default.

        Raises:
            UsageError: it is needed, and there is nobody to ask; or what the option says is wrong.
        """
        said = str(self.options[option] or "")
        if said or not self.is_heard:
            return self._demanded(option, said or default, check)
        while True:
            answer = self._read(f"{question}{f' [{default}]' if default else ''}: ") or default
            wrong = _unwritable(answer) or check(answer)
            if not wrong:
                return answer
            self.say(f"  {wrong}")

    def choose(self, option: str, question: str, choices: Sequence[str], default: int = 0) -> int:
        """Show a numbered list and return the number that is answered, counted from 0.

        Raises:
            UsageError: nobody is there to choose.
        """
        if not self.is_heard:
            raise UsageError(f"init needs --{option}: there is no terminal to ask on", "See: vya-backupdb help init")
        for number, choice in enumerate(choices, start=1):
            self.say(f"  {number}  {choice}")
        while True:
            answer = self._read(f"{question} [{default + 1}]: ") or str(default + 1)
            if answer.isdigit() and 1 <= int(answer) <= len(choices):
                return int(answer) - 1
            self.say(f"  Please answer a number from 1 to {len(choices)}.")

    def secret(self, option: str, question: str) -> Secret:
        """Return a password: from the file or the variable that options name, else as it is typed; it may be empty.

        Raises:
            UsageError: the file or the variable is not there.
        """
        file, variable = self.options[f"{option}_file"], self.options[f"{option}_env"]
        if file:
            return Secret(_first_line(Path(str(file))))
        if variable:
            if variable not in os.environ:
                raise UsageError(f"the environment has no variable {variable}", "Export it, or name another one.")
            return Secret(os.environ[str(variable)])
        if not self.is_heard:
            return Secret("")
        try:
            return Secret(getpass.getpass(f"{question}: "))
        except EOFError:
            raise UsageError(ENDED) from None

    def agreed(self, question: str, *, by_default: bool = False) -> bool:
        """Ask for yes or no; `--yes` is yes.

        Raises:
            UsageError: nobody is there to agree.
        """
        if self.takes_defaults:
            return True
        if not self.is_heard:
            raise UsageError("init changes things only when somebody agrees, and there is no terminal", "Say --yes.")
        answer = self._read(f"{question} [{'Y/n' if by_default else 'y/N'}]: ").lower()
        return answer in YES if answer else by_default

    def _demanded(self, option: str, answer: str, check: Check) -> str:
        wrong = _unwritable(answer) or check(answer)
        if wrong:
            name = option.replace("_", "-")
            raise UsageError(f"init needs --{name}: {wrong}", "See: vya-backupdb help init")
        return answer

    @staticmethod
    def _read(question: str) -> str:
        sys.stdout.write(question)
        sys.stdout.flush()
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError:
            raise UsageError("what was typed is no UTF-8 text", "Say it as an option of init, in UTF-8.") from None
        if not line:
            raise UsageError(ENDED)
        return line.strip()


def _unwritable(answer: str) -> str:
    """Say what keeps an answer out of any configuration: bytes that are no text."""
    try:
        answer.encode()
    except UnicodeEncodeError:
        return f"{answer!a} is no UTF-8 text, which a configuration has to be"
    return ""


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"the password file {path} cannot be read: {reason}") from error
