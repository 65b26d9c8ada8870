"""Observes the plain bytes of a roles dump: which accounts, and whether both of its parts ended.

The rule: it is read as a whole, by the reader that a restore uses; what that cannot read is no good backup.
"""

from __future__ import annotations

from hashlib import sha256

from vya_backup.decisions.manifest import Manifest, PartSpan
from vya_backup.engines.dumping import Observation
from vya_backup.engines.postgresql.roles.reading import END, END_OF_ROLES, objects, read, shape

LARGEST = 256 << 20
"""Bytes; a million roles are less."""
PART = "accounts"


class AccountsObserver:
    """A `DumpObserver` that keeps the dump, since one of accounts is small."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """See the next bytes."""
        self._size += len(chunk)
        if self._size <= LARGEST:
            self._pieces.append(chunk)

    def end_part(self, name: str) -> None:
        """Take nothing: the end lines are looked for in the whole."""

    def note_report(self, report: str) -> None:
        """Take nothing: the tools report only on stderr."""

    def finish(self) -> Observation:
        """Say what was seen."""
        empty = Manifest({}, {}, parts=(PartSpan(PART, 0, self._size),), schema_hash=sha256().hexdigest())
        if self._size > LARGEST:
            return Observation(empty, complete=False, fault=f"{self._size:,} bytes are more than accounts ever take")
        plain = b"".join(self._pieces)
        try:
            found = read(plain.decode())
        except UnicodeDecodeError as error:
            return Observation(empty, complete=False, fault=f"byte {error.start:,} is no UTF-8")
        except ValueError as error:
            return Observation(empty, complete=False, fault=str(error))
        manifest = Manifest(objects(found.accounts), {}, parts=empty.parts, schema_hash=shape(found.accounts))
        if found.endings != (END_OF_ROLES, END) or not plain.endswith(f"\n{END}\n".encode()):
            return Observation(manifest, complete=False, fault=f"the end-of-dump line {END!r} is missing")
        return Observation(manifest, complete=True)
