"""PURE: what the bytes of a stored backup say against it, each fault under the name of the check that found it.

The dump and its sidecars are judged apart: the dump is what restores, so a sidecar alone never makes a backup damaged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from vya_backup.decisions.metadata import Sidecar, decode
from vya_backup.decisions.naming import ArtifactName
from vya_backup.history.events import Verdict
from vya_backup.history.views import BackupRow


class Check(StrEnum):
    """What is looked at, in this order."""

    PRESENCE = "presence"
    READING = "reading"
    SIZE = "size"
    DIGEST = "digest"
    DECODING = "decoding"
    END = "end of dump"
    CONTENT = "content digest"
    CHECKSUM_FILE = "checksum file"
    METADATA = "metadata sidecar"


SIDECARS = frozenset({Check.CHECKSUM_FILE, Check.METADATA})


@dataclass(frozen=True)
class Finding:
    """A fault, or why a check could not be made, in words that name the thing and the value."""

    check: Check
    words: str

    @property
    def is_of_dump(self) -> bool:
        """Say whether it is about the dump itself and not about a sidecar."""
        return self.check not in SIDECARS


@dataclass(frozen=True)
class SeenDump:
    """What was read from the disk. The last three stay None where a dump could not be decoded at all.

    Sizes in bytes, digests in hexadecimal; `undecodable` and `incomplete` are empty where there is no such fault.
    """

    size_bytes: int
    sha256: str
    undecodable: str | None = None
    incomplete: str | None = None
    plain_sha256: str | None = None


@dataclass(frozen=True)
class Judgement:
    """Everything that was found out about one backup."""

    faults: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()
    """What could not be looked at."""

    @property
    def verdict(self) -> Verdict:
        """Return `fail` where there is a fault, `cannot judge` where there are only doubts, else `pass`."""
        if self.faults:
            return "fail"
        return "cannot judge" if self.doubts else "pass"

    @property
    def is_missing(self) -> bool:
        """Say whether the dump is not where it was published."""
        return any(fault.check is Check.PRESENCE for fault in self.faults)

    @property
    def is_damaged(self) -> bool:
        """Say whether the dump itself is there and not what was published."""
        return not self.is_missing and bool(self.of_dump)

    @property
    def is_intact(self) -> bool:
        """Say whether every check of the dump itself was made and passed."""
        return not self.of_dump and not any(doubt.is_of_dump for doubt in self.doubts)

    @property
    def of_dump(self) -> tuple[Finding, ...]:
        """Return the faults of the dump itself."""
        return tuple(fault for fault in self.faults if fault.is_of_dump)

    @property
    def checks(self) -> tuple[str, ...]:
        """Return the names of the checks that failed or could not be made."""
        return tuple(dict.fromkeys(str(finding.check) for finding in self.faults + self.doubts))

    @property
    def reason(self) -> str:
        """Return all faults and doubts as one line."""
        return in_words(self.faults + self.doubts)


def in_words(findings: tuple[Finding, ...]) -> str:
    """Return findings as one line."""
    return "; ".join(finding.words for finding in findings)


def dump_faults(row: BackupRow, seen: SeenDump) -> Iterator[Finding]:
    """Yield what the stored bytes say against a dump.

    What does not decode ends early for certain, so its end and its content are judged only where it does.
    """
    if seen.size_bytes != row.size_bytes:
        yield Finding(Check.SIZE, f"it has {seen.size_bytes:,} bytes instead of {row.size_bytes:,}")
    if seen.sha256 != row.sha256:
        yield Finding(Check.DIGEST, f"its SHA-256 is {seen.sha256} instead of {row.sha256}")
    if seen.undecodable:
        yield Finding(Check.DECODING, seen.undecodable)
        return
    if seen.incomplete:
        yield Finding(Check.END, seen.incomplete)
    if seen.plain_sha256 is not None and seen.plain_sha256 != row.plain_sha256:
        yield Finding(Check.CONTENT, "it unpacks to other bytes than were dumped")


def checksum_file_faults(row: BackupRow, content: bytes | None) -> Iterator[Finding]:
    """Yield what is wrong with the file that `sha256sum -c` reads; `content` is None where it is missing."""
    artifact = ArtifactName(row.path or "")
    name = artifact.checksum.rpartition("/")[2]
    if content is None:
        yield Finding(Check.CHECKSUM_FILE, f"{name} is missing")
    elif content != artifact.checksum_line(row.sha256 or "").encode():
        told = content.decode(errors="replace").lstrip("\\").split(" ")[0].strip()[:64]
        what = "is no line of this dump" if told == row.sha256 else f"says {told!r} instead of {row.sha256}"
        yield Finding(Check.CHECKSUM_FILE, f"{name} {what}")


def metadata_faults(row: BackupRow, content: bytes | None) -> Iterator[Finding]:
    """Yield what is wrong with the metadata sidecar; `content` is None where it is missing."""
    name = ArtifactName(row.path or "").metadata.rpartition("/")[2]
    if content is None:
        yield Finding(Check.METADATA, f"{name} is missing")
    elif hashlib.sha256(content).hexdigest() != row.metadata_sha256:
        yield Finding(Check.METADATA, f"{name} {_why_it_differs(row, content)}")


def _why_it_differs(row: BackupRow, content: bytes) -> str:
    try:
        sidecar: Sidecar = decode(content)
    except (ValueError, OverflowError, RecursionError):
        return "is not what was written, and cannot be read"
    if sidecar.backup_id != row.backup_id:
        return f"belongs to another backup: {sidecar.backup_id}"
    if sidecar.sha256 != row.sha256:
        return f"tells of another dump, with the SHA-256 {sidecar.sha256}"
    return "is not what was written"
