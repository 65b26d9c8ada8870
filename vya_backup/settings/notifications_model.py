"""The `notifications` section: who is told of what, over which channel.

The rule: no secret stands here. A mail server's account, the address of an Apprise target and of pings may lie in the
credentials store, in its list `services`, and are named here by their id.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from vya_backup.settings.section import Host, Section

Level = Literal["SUCCESS", "WARNING", "ERROR", "CRITICAL"]
Security = Literal["starttls", "tls", "none"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TROUBLE: tuple[Level, ...] = ("WARNING", "ERROR", "CRITICAL")
SUBMISSIONS_PORT = 465  # RFC 8314: TLS from the first byte
_WORD = r"[^@\s<>,;:\"()\[\]\\.\x00-\x20\x7f]+"
_LABEL = r"\w(?:[\w-]*\w)?"
_ADDRESS = re.compile(rf"{_WORD}(?:\.{_WORD})*@{_LABEL}(?:\.{_LABEL})*")


def bare_address(text: str) -> str:
    """Return an address of mail as it is.

    Raises:
        ValueError: it is none, or there is a name around it.
    """
    if not _ADDRESS.fullmatch(text):
        raise ValueError("must be a bare address such as oncall@example.org")
    return text


def _address_or_none(text: str) -> str:
    return bare_address(text) if text else text


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or not url.isprintable() or " " in url):
        raise ValueError("must be an address such as https://hc-ping.example.org/ID")
    return url


Address = Annotated[str, AfterValidator(bare_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class EmailTemplates(Section):
    """Templates of the mails: files in `folder`, else the built-in ones of these names.

    The text of a mail is the file of the same name that ends in `.txt`.
    """

    folder: Path | None = None
    success: str = "backup_success.html"
    error: str = "backup_error.html"
    digest: str = "digest.html"


class MailList(Section):
    """A list of recipients, and the levels that it wants to hear of."""

    id: Name
    recipients: tuple[Address, ...]
    levels: tuple[Level, ...] = TROUBLE


class Email(Section):
    """Mail to people. `security` is more exact than `use_tls`, and wins over it."""

    enabled: bool = False
    smtp_host: Host = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    use_tls: bool = True
    security: Security | None = None
    ca_cert: Path | None = None
    service: str = ""
    from_address: Annotated[str, AfterValidator(_address_or_none)] = ""
    success_recipients: tuple[Address, ...] = ()
    success_levels: tuple[Level, ...] = ("SUCCESS",)
    error_recipients: tuple[Address, ...] = ()
    error_levels: tuple[Level, ...] = TROUBLE
    lists: tuple[MailList, ...] = ()
    timeout_seconds: float = Field(default=15, gt=0)
    give_up_seconds: float = Field(default=60, gt=0)
    templates: EmailTemplates = EmailTemplates()

    @field_validator("lists")
    @classmethod
    def _names_differ(cls, lists: tuple[MailList, ...]) -> tuple[MailList, ...]:
        names = [one.id for one in lists]
        if len({"success", "error", *names}) < len(names) + 2:
            raise ValueError("needs an id of its own for each list, other than success and error")
        return lists

    @property
    def way(self) -> Security:
        """Return how the line is secured; port 465 is TLS from the first byte, as everywhere."""
        if self.security:
            return self.security
        if not self.use_tls:
            return "none"
        return "tls" if self.smtp_port == SUBMISSIONS_PORT else "starttls"

    @property
    def lacking(self) -> tuple[str, ...]:
        """Return the keys without which no mail can leave."""
        keys = ("smtp_host", "from_address") if self.enabled else ()
        return tuple(key for key in keys if not getattr(self, key))

    def all_lists(self) -> tuple[MailList, ...]:
        """Return every list that has recipients: `success` and `error` of the two keys, then those of `lists`."""
        own = (
            MailList(id="success", recipients=self.success_recipients, levels=self.success_levels),
            MailList(id="error", recipients=self.error_recipients, levels=self.error_levels),
        )
        return tuple(one for one in (*own, *self.lists) if one.recipients)


class Digest(Section):
    """One mail a week, even when all is well; without recipients it goes to the list for successes."""

    enabled: bool = True
    weekday: Weekday = "monday"
    recipients: tuple[Address, ...] = ()


class AppriseTarget(Section):
    """A target of Apprise; its address is the `url` of the service of this id in the credentials store."""

    id: Name
    levels: tuple[Level, ...] = TROUBLE
    digest: bool = False


class Pings(Section):
    """Dead-man pings: who is not pinged for too long raises the alarm, whatever became of this machine.

    With one base address they are `BASE/start`, `BASE` and `BASE/fail`, as healthchecks.io has it.
    """

    service: str = ""
    base_url: WebAddress = ""
    start_url: WebAddress = ""
    success_url: WebAddress = ""
    fail_url: WebAddress = ""
    timeout_seconds: float = Field(default=5, gt=0)

    @property
    def is_wanted(self) -> bool:
        """Say whether anybody waits for pings."""
        return any((self.service, self.base_url, self.start_url, self.success_url, self.fail_url))


class Notifications(Section):
    """Who is told."""

    email: Email = Email()
    digest: Digest = Digest()
    apprise: tuple[AppriseTarget, ...] = ()
    pings: Pings = Pings()

    @field_validator("apprise")
    @classmethod
    def _ids_differ(cls, targets: tuple[AppriseTarget, ...]) -> tuple[AppriseTarget, ...]:
        if len({one.id for one in targets}) < len(targets):
            raise ValueError("needs an id of its own for each target")
        return targets

    @property
    def is_wanted(self) -> bool:
        """Say whether anybody is to be told of anything."""
        return bool((self.email.enabled and self.email.all_lists()) or self.apprise or self.pings.is_wanted)
