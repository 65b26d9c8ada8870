"""A configured folder, as an operator would have it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vya_backup.errors import ConfigurationError
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.encryption import Encrypted, encrypt
from vya_backup.settings.loading import Loaded, load
from vya_backup.settings.model import Configuration

POSTGRESQL = "instances: [{id: pg, type: postgresql, host: localhost}]\n"


@dataclass(frozen=True)
class Project:
    """A folder with `config/config.yaml`, and what an operator does in it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config" / "config.yaml"

    @property
    def store(self) -> Path:
        return self.folder / ".secrets" / "credentials.json"

    @property
    def key(self) -> Path:
        return self.folder / ".secrets" / "credentials.key"

    def write(self, text: str) -> None:
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(text, encoding="utf-8")

    def load(self, text: str | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
        if text is not None:
            self.write(text)
        return load(self.config, environ or {})

    def configuration(self) -> Configuration:
        return self.load().configuration

    def errors(self, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        """Load what must be refused; return the lines of the message without the folder's name."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(text, environ)
        return caught.value.message.replace(f"{self.config}:", "line ").splitlines()

    def write_store(self, data: Any) -> None:
        self.store.parent.mkdir(mode=0o700, exist_ok=True)
        self.store.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        self.store.chmod(0o600)

    def plain(self, *entries: Mapping[str, Any], **top: Any) -> Path:
        path = self.folder / "plain.json"
        path.write_text(json.dumps({"databases": entries, **top}), encoding="utf-8")
        return path

    def encrypt(self, *entries: Mapping[str, Any], **options: Any) -> Encrypted:
        return encrypt(self.plain(*entries), self.store, self.configuration(), **options)

    def credentials(self) -> CredentialStore:
        return CredentialStore.load(self.configuration())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one PostgreSQL instance, `pg`."""
    made = Project(tmp_path / "project")
    made.folder.mkdir()
    made.write(POSTGRESQL)
    return made
