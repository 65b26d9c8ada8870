"""Watches an accounts dump as its bytes pass: which accounts it holds, and whether it is whole."""

from __future__ import annotations

import hashlib
import json

from vya_backup.decisions.manifest import Manifest, PartSpan
from vya_backup.engines.dumping import Observation
from vya_backup.engines.mysql.users.text import COMPLETE, MARK, Tally, is_title, parse_mark

PART = "accounts"


class AccountsObserver:
    """One dump being watched; see `contract.DumpObserver`."""

    def __init__(self) -> None:
        self._rest = b""
        self._position = 0
        self._parts: list[PartSpan] = []
        self._tally = Tally()
        self._within = 0
        """How many lines of the present statement are still to come."""
        self._begun = self._ended = False
        self._fault = ""
        self._hash = hashlib.sha256()

    def feed(self, chunk: bytes) -> None:
        """See the next bytes."""
        self._position += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._see(line)

    def end_part(self, name: str) -> None:
        """Note that the part ended here."""
        self._parts.append(PartSpan(name, 0, self._position))

    def note_report(self, report: str) -> None:
        """Nothing is reported beside the dump."""

    def finish(self) -> Observation:
        """Say what was seen."""
        whole = self._begun and self._ended and not self._rest and not self._fault
        manifest = Manifest(self._tally.objects(), {}, parts=tuple(self._parts), schema_hash=self._hash.hexdigest())
        return Observation(manifest, complete=whole, fault="" if whole else self._fault or "it has no last line")

    def _see(self, line: bytes) -> None:
        if not self._begun:
            self._begun = is_title(line.decode(errors="replace"))
            self._note("it does not begin like a dump of accounts", wrong=not self._begun)
            return
        self._note("something follows the last line", wrong=self._ended)
        if not line.startswith(COMPLETE.encode()) or self._within:
            self._hash.update(line + b"\n")
        if self._within:
            self._within -= 1
            self._note("a statement has no end", wrong=not self._within and not line.endswith(b";"))
        elif line.startswith(MARK.encode()):
            self._mark(line.decode(errors="replace"))
        elif line.startswith(COMPLETE.encode()):
            self._ended = True
            told = line.decode(errors="replace").removeprefix(COMPLETE)
            self._note("the last line counts something else", wrong=told != json.dumps(self._tally.as_json()))
        else:
            self._note("a statement stands without its mark", wrong=self._tally.statements > 0)

    def _mark(self, line: str) -> None:
        try:
            about, self._within = parse_mark(line)
        except ValueError as error:
            self._note(str(error), wrong=True)
            return
        self._tally.add(about.name, about.is_role)

    def _note(self, fault: str, *, wrong: bool) -> None:
        if wrong and not self._fault:
            self._fault = fault
