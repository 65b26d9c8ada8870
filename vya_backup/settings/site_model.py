"""The `site` section: where the auditors' site listens, and who may log in."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, model_validator

from vya_backup.settings.section import Section


class Auditor(Section):
    """An account of the site. The password's hash is in a file, or in an environment variable that is named here."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    password_hash_file: Path | None = None
    password_hash_variable: str = ""

    @model_validator(mode="after")
    def _has_one_hash(self) -> Auditor:
        if (self.password_hash_file is None) == (not self.password_hash_variable):
            raise ValueError("needs `password_hash_file` or `password_hash_variable`, one of them")
        return self


class Site(Section):
    """The auditors' site."""

    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=1, le=65535)
    auditors: tuple[Auditor, ...] = ()
    secret_file: Path | None = None
    open_monitoring: bool = False


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address; a name other than `localhost` may be anything."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
