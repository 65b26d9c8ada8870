"""A zip file of the plainest form: members by name, stored, without a time; the same members make the same bytes.

So whoever verifies it can make each byte between the members again, and none can be changed unseen. Members wait in
temporary files without a name, so that their lengths are known before the first byte is published.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Final

from vya_backup.errors import StorageFailed
from vya_backup.transport.drafts import Draft

PIECE: Final = 1 << 20
IN_MEMORY: Final = 1 << 22
LONGEST: Final = (1 << 32) - 1
"""The plain form has no room for more."""
_SAME: Final = (20, 0, 0, 0, 0x21)  # version, flags, stored, midnight of 1980-01-01
_MADE_BY: Final = 0x0314  # unix, version 2.0
_MODE: Final = 0o100600 << 16


class Member:
    """One file of the archive while it is written; lengths and digests are those of what was written so far."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self.size, self.crc = name, 0, 0
        self._file, self._digest = file, hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Return the digest."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        """Append bytes; return their number, as files do."""
        self.size, self.crc = self.size + len(data), zlib.crc32(data, self.crc)
        self._digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Do nothing; files of the standard library ask for it."""

    def pieces(self) -> Iterator[bytes]:
        """Yield what was written."""
        self._file.seek(0)
        yield from iter(lambda: self._file.read(PIECE), b"")


class Archive:
    """The members, until they are published together. Use it as a context manager."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self._files = ExitStack()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._files.close()

    def member(self, name: str) -> Member:
        """Begin a file."""
        file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the stack of files closes it
        self.members[name] = Member(name, self._files.enter_context(file))
        return self.members[name]

    def add(self, name: str, content: bytes) -> None:
        """Add a file that is there as a whole."""
        self.member(name).write(content)

    def publish(self, draft: Draft) -> str:
        """Write everything into a draft and give it its name, which must be free; return that.

        Raises:
            SpaceMissing, StorageFailed: it could not be written, or is longer than such a file may be.
        """
        directory, place = b"", 0
        members = sorted(self.members.values(), key=lambda member: member.name)
        if sum(member.size for member in members) > LONGEST - PIECE:
            raise StorageFailed("the archive would be longer than 4 GiB", "Choose a shorter period.")
        for member in members:
            name = member.name.encode("ascii")
            about = (*_SAME, member.crc, member.size, member.size, len(name), 0)
            header = struct.pack("<4s5H3L2H", b"PK\3\4", *about) + name
            entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", _MADE_BY, *about, 0, 0, 0, _MODE, place)
            directory += entry + name
            draft.write(header)
            for piece in member.pieces():
                draft.write(piece)
            place += len(header) + member.size
        draft.write(directory)
        count = len(members)
        draft.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), place, 0))
        return draft.publish(numbered=False)
