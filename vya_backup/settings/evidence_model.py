"""The `evidence` section: who signs what auditors are given."""

from __future__ import annotations

from pathlib import Path

from vya_backup.settings.section import Section


class Evidence(Section):
    """A private Ed25519 key that signs at once, or only the public one of a key that is kept elsewhere."""

    signing_key: Path | None = None
    public_key: Path | None = None
