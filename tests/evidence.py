"""Evidence files for tests: made of a long past, changed by someone, and judged by the program that lies in them."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.periods import period
from vya_backup.jobs.auditing import Verdict
from vya_backup.jobs.evidence import SIGNATURE, SUMS, Findings, Order, Signing, gather, seal
from vya_backup.outlook.evidence_report import render
from vya_backup.resources import resource
from vya_backup.settings.signing import Signer
from vya_backup.transport.archive import Archive
from vya_backup.transport.storage import Store

MADE_AT = datetime(2026, 1, 9, 12, tzinfo=UTC)


def program() -> Any:
    """Return the verifying program as a module."""
    spec = importlib.util.spec_from_file_location("verify", resource("catalog/evidence/verify.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def key(number: int) -> Signer:
    """Return a key of one's own, always the same for a number."""
    return Signer(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def signed_by(number: int, *, on_backup_host: bool = False) -> Signing:
    """Return that a key signs at once."""
    return Signing(key(number), on_backup_host=on_backup_host)


def make(catalog: Catalog, target: Path, since: str, until: str, signing: Signing | None = None) -> Findings:
    """Write an evidence file and return what it was made of."""
    report = audit(catalog)
    verdict = Verdict(report, 0, (), report.faults)
    with Archive() as archive:
        order = Order(period(since, until), MADE_AT, "a copy", signing or Signing(), verdict)
        findings = gather(catalog, order, render, archive)
        publish(archive, target)
    return findings


def publish(archive: Archive, target: Path) -> None:
    """Write an archive to a new file."""
    with Store(target.parent).draft(target.name) as draft:
        archive.publish(draft)


@dataclass(frozen=True)
class Judge:
    """The program, and what it says."""

    module: Any

    def faults(self, path: Path, trusted: str = "") -> str:
        """Return why a file or folder is refused, an empty text when it is not."""
        try:
            form = self.module.Unpacked if path.is_dir() else self.module.Zipped
            self.module.verify(form(path), trusted)
        except self.module.Broken as error:
            return str(error)
        except (*self.module.UNREADABLE, zipfile.BadZipFile) as error:
            return f"unreadable: {error}"
        return ""


def contents(path: Path) -> dict[str, bytes]:
    """Return the members of an evidence file."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def unpacked(path: Path, folder: Path) -> Path:
    """Unpack an evidence file and return the folder."""
    with zipfile.ZipFile(path) as file:
        file.extractall(folder)
    return folder


Change = Callable[[dict[str, bytes]], Mapping[str, bytes]]


def forged(path: Path, target: Path, change: Change, signer: Signer | None = None) -> Path:
    """Write the file anew as someone would who has changed something, knows how it is made, and may have a key."""
    members = {name: data for name, data in contents(path).items() if name not in {SUMS, SIGNATURE}}
    with Archive() as archive:
        for name, data in change(members).items():
            archive.add(name, data)
        seal(archive, signer)
        publish(archive, target)
    return target
