"""The accounts of the instances, opened from the encrypted store.

The rule: a token is decrypted when its account is asked for, and leaves here only as a `Secret`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from vya_backup.errors import CredentialsError
from vya_backup.redaction import Secret, remember_url, remember_user
from vya_backup.settings.keys import Lock
from vya_backup.settings.model import Configuration, Instance
from vya_backup.settings.private_files import exists, read_private
from vya_backup.settings.store_format import SECRET_KEYS, Document, Entry, parse

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

Purpose = Literal["backup", "restore"]
FERNET_PREFIX = "gAAAAA"  # version byte 0x80 and the first zeros of a 64-bit time, in base64


@dataclass(frozen=True)
class Login:
    """An account in the clear."""

    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True)
class Service:
    """What is no database, in the clear: a mail server's account, or an address that is a secret by itself."""

    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    url: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True)
class CredentialFinding:
    """Something to know about the store; what `fails` keeps an instance from being backed up."""

    fails: bool
    message: str
    hint: str = ""


class CredentialStore:
    """The configured store; a missing file is an empty store, which is right when every instance is SQLite."""

    def __init__(self, configuration: Configuration, document: Document) -> None:
        self._document = document
        self._lock = Lock.of(configuration, document.path, document.kind or "key-file")

    @classmethod
    def load(cls, configuration: Configuration) -> Self:
        """Read the configured store without decrypting anything.

        Raises:
            CredentialsError: others may read it, or it is malformed.
        """
        path = configuration.credentials.file
        return cls(configuration, parse(path, read_private(path)) if exists(path) else Document(path, (), None))

    def access(self, instance: Instance, purpose: Purpose = "backup") -> Login:
        """Return the account for an instance; a restore takes the entry with `purpose: restore` if there is one.

        Raises:
            CredentialsError: there is no entry, or the key does not open it.
        """
        if instance.type == "sqlite":
            return Login()
        entry = self._entry(instance.id, purpose)
        username = self._opened(entry, "username")
        remember_user(username)
        return Login(username, Secret(self._opened(entry, "password")))

    def knows(self, instance_id: str) -> bool:
        """Say whether there is an entry for an instance, whatever it is for."""
        return any(entry.id == instance_id for entry in self._document.entries)

    def service(self, name: str) -> Service:
        """Return an entry of the list `services`.

        Raises:
            CredentialsError: there is none of that id, or the key does not open it.
        """
        found = next((entry for entry in self._document.services if entry.id == name), None)
        if found is None:
            raise CredentialsError(
                f"{self._document.path} has no service {name}",
                'Add {"id": "' + name + '", …} to "services" of the plain file, and run: doit credentials encrypt.',
            )
        url = self._opened(found, "url")
        remember_url(url)
        return Service(self._opened(found, "username"), Secret(self._opened(found, "password")), Secret(url))

    def findings(self, configuration: Configuration) -> tuple[CredentialFinding, ...]:
        """Compare the ids of store and configuration both ways, and judge the kind of key."""
        return (
            *self._without_account(configuration),
            *self._without_instance(configuration),
            *self._without_service(configuration),
            *self.weak_key(),
        )

    def weak_key(self) -> tuple[CredentialFinding, ...]:
        """Return what is to be known about a key that is no secret; nothing where it is one."""
        if self._document.kind != "hostname-based":
            return ()
        message = f"{self._document.path} opens for whoever knows the host name, and no more after a renaming"
        return (CredentialFinding(False, message, "Run `doit credentials rotate` to give it a key file of its own."),)

    def in_the_clear(self) -> list[dict[str, Any]]:
        """Return every entry with its secrets decrypted, for nothing but encrypting them again.

        Raises:
            CredentialsError: the store is missing, or the key does not open it.
        """
        if not exists(self._document.path):
            raise CredentialsError(f"{self._document.path} does not exist", "Run `doit credentials encrypt` first.")
        return [self._clear(entry) for entry in self._document.entries]

    def services_in_the_clear(self) -> list[dict[str, Any]]:
        """Return every service so, for the same.

        Raises:
            CredentialsError: the key does not open the store.
        """
        return [self._clear(entry) for entry in self._document.services]

    def _clear(self, entry: Entry) -> dict[str, Any]:
        return {**entry.raw, **{key: self._opened(entry, key) for key in SECRET_KEYS if key in entry.raw}}

    def _entry(self, name: str, purpose: Purpose) -> Entry:
        by_purpose = {entry.purpose: entry for entry in self._document.entries if entry.id == name}
        order = ("restore", "", "backup") if purpose == "restore" else ("backup", "")
        found = next((by_purpose[each] for each in order if each in by_purpose), None)
        if found:
            return found
        path = self._document.path
        hint = (
            "Write the account into a plain JSON file as config/credentials.example.json shows, and run: "
            f"doit credentials encrypt --input FILE --output {path}"
        )
        if not exists(path):
            raise CredentialsError(f"{path}, with the account for {name}, is missing", f"{hint}.")
        kept = " to back up with, only one whose purpose is restore" if by_purpose else ""
        raise CredentialsError(f"{path} has no account for {name}{kept}", f"{hint} --force (with every account in it).")

    @cached_property
    def _cipher(self) -> MultiFernet:
        return self._lock.cipher()

    def _opened(self, entry: Entry, key: str) -> str:
        from cryptography.fernet import InvalidToken

        token = str(entry.raw.get(key, ""))
        if not token:
            return ""
        if not token.startswith(FERNET_PREFIX):
            raise CredentialsError(
                f"{entry.origin.place()}: {entry.origin.below(key).key} is not encrypted",
                "Run `doit credentials encrypt` on the plain file; the store never holds a password in the clear.",
            )
        try:
            return self._cipher.decrypt(token).decode()
        except InvalidToken:
            raise self._lock.fits_not(self._document.path) from None

    def _without_account(self, configuration: Configuration) -> Iterator[CredentialFinding]:
        for instance in configuration.instances:
            if not instance.enabled:
                continue
            try:
                self.access(instance)
            except CredentialsError as error:
                yield CredentialFinding(True, error.message, error.hint)

    def _without_instance(self, configuration: Configuration) -> Iterator[CredentialFinding]:
        known = {instance.id for instance in configuration.instances}
        for entry in self._document.entries:
            if entry.id not in known:
                message = f"{entry.origin.place()}: {entry.id} is no instance of the configuration"
                yield CredentialFinding(False, message, "Correct the id, or remove the entry.")

    def _without_service(self, configuration: Configuration) -> Iterator[CredentialFinding]:
        """Find what notifications ask the store for in vain; no backup depends on it."""
        notifications = configuration.notifications
        wanted = [notifications.email.service if notifications.email.enabled else "", notifications.pings.service]
        for name in (*wanted, *(target.id for target in notifications.apprise)):
            try:
                if name:
                    self.service(name)
            except CredentialsError as error:
                yield CredentialFinding(False, error.message, error.hint)
