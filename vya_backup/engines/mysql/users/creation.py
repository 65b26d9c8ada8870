"""PURE: what a CREATE USER says: how one logs in, and every option, in words that hold no secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vya_backup.engines.mysql.users.words import Word, octets, value, words
from vya_backup.redaction import MASK, remember

SHORTEST_HASH = 16  # a shorter one was typed in by hand, such as `invalid`: masked where it stands, but no secret
# What these are told is the name of a service or an account elsewhere; hiding it everywhere would hide plain words.
_WITHOUT_HASH = ("pam", "unix_socket", "auth_socket", "gssapi", "named_pipe", "authentication_", "no_login")
_PASSWORDS = ("password", "ed25519", "parsec")
_OLD_HASH = 16
_SECTIONS = frozenset({
    "IDENTIFIED", "REQUIRE", "WITH", "ACCOUNT", "PASSWORD", "FAILED_LOGIN_ATTEMPTS", "PASSWORD_LOCK_TIME", "ATTRIBUTE",
    "COMMENT",
})  # fmt: skip
_LIMITS = {
    "MAX_QUERIES_PER_HOUR": "queries per hour",
    "MAX_UPDATES_PER_HOUR": "updates per hour",
    "MAX_CONNECTIONS_PER_HOUR": "connections per hour",
    "MAX_USER_CONNECTIONS": "connections at a time",
    "MAX_STATEMENT_TIME": "seconds per statement",
}
_OPTIONS = {
    "PASSWORD HISTORY": "remembered passwords",
    "PASSWORD REUSE": "password reuse",
    "PASSWORD REQUIRE": "current password at a change",
    "FAILED_LOGIN_ATTEMPTS": "failed logins until locked",
    "PASSWORD_LOCK_TIME": "days locked after failed logins",
}


@dataclass(frozen=True)
class Proof:
    """One plugin, with what it compares."""

    plugin: str
    secret: Word | None

    @property
    def canonical(self) -> str:
        """Return a text that is equal exactly while plugin and hash are, however they were written."""
        return f"{self.plugin}:{octets(self.secret.text).hex()}" if self.secret else self.plugin

    @property
    def has_hash(self) -> bool:
        """Say whether what is compared is a secret."""
        return self.secret is not None and not self.plugin.startswith(_WITHOUT_HASH)


@dataclass(frozen=True)
class Creation:
    """A CREATE USER, cut into its sections."""

    text: str = field(repr=False)
    sections: Mapping[str, str] = field(repr=False)
    """By their first words (`REQUIRE`, `PASSWORD EXPIRE`), as they are written."""
    proofs: tuple[Proof, ...] = field(repr=False)

    @property
    def authentication(self) -> str:
        """Return a text that is equal exactly while the ways to log in are."""
        return " or ".join(proof.canonical for proof in self.proofs)

    @property
    def plugins(self) -> tuple[str, ...]:
        """Return the plugins that are named."""
        return tuple(proof.plugin for proof in self.proofs)

    @property
    def masked(self) -> str:
        """Return the statement as people may see it."""
        text = self.text
        for secret in sorted((p.secret for p in self.proofs if p.secret), key=lambda word: -word.start):
            text = f"{text[: secret.start]}'{MASK}'{text[secret.end :]}"
        return text

    def facts(self) -> dict[str, str]:
        """Return what is not at its default, in words."""
        return dict(_facts(self))

    def lifetime(self) -> dict[str, str]:
        """Return only when a password expires, which may be a statement of its own."""
        return dict(_expiry(self.sections.get("PASSWORD EXPIRE")))

    def keep_secret(self) -> None:
        """Let no hash of it be shown from now on, in any spelling."""
        for secret in (proof.secret for proof in self.proofs if proof.secret and proof.has_hash):
            if len(value(secret.text)) >= SHORTEST_HASH:
                remember(secret.text.strip("'"))
                remember(octets(secret.text).decode(errors="replace"))


def parse_creation(text: str) -> Creation:
    """Cut a CREATE USER into its sections."""
    found = words(text)
    starts = list(_starts(found))
    ends = [*(found[start].start for start, _name in starts[1:]), *([len(text)] if starts else [])]
    sections = {name: text[found[start].start : end].strip() for (start, name), end in zip(starts, ends, strict=True)}
    identified = next((start for start, name in starts if name == "IDENTIFIED"), None)
    following = next((start for start, _name in starts if identified is not None and start > identified), len(found))
    proofs = tuple(_proofs(found[identified:following])) if identified is not None else ()
    return Creation(text, sections, proofs)


def _starts(found: list[Word]) -> Iterator[tuple[int, str]]:
    """Yield where each section begins, and its name."""
    position = 0
    while position < len(found):
        word, after = found[position].text, found[position + 1].text if position + 1 < len(found) else ""
        if word == "AND" and after == "IDENTIFIED":  # a second factor belongs to the first
            position += 3
            continue
        if word == "PASSWORD":
            yield position, f"PASSWORD {after}"
            position += 2
            continue
        if word in _SECTIONS or (word == "DEFAULT" and after == "ROLE"):
            yield position, "DEFAULT ROLE" if word == "DEFAULT" else word
            position += {"WITH": 1, "VIA": 1, "BY": 2}.get(after, 0) if word == "IDENTIFIED" else 0
        position += 1


def _proofs(found: list[Word]) -> Iterator[Proof]:
    """Read `IDENTIFIED VIA a USING 'x' OR b`, `IDENTIFIED WITH 'a' AS 0x12`, `IDENTIFIED BY PASSWORD 'x'`."""
    plugin = ""
    for position, word in enumerate(found):
        before = found[position - 1].text if position else ""
        if before in {"VIA", "WITH", "OR"}:
            if plugin:
                yield Proof(plugin, None)
            plugin = value(word.text)
        elif before in {"AS", "USING"}:
            yield Proof(plugin, word)
            plugin = ""
        elif before == "PASSWORD":
            old = len(value(word.text)) == _OLD_HASH
            yield Proof("mysql_old_password" if old else "mysql_native_password", word)
    if plugin:
        yield Proof(plugin, None)


# --------------------------------------------------------------------------- in words


def _facts(creation: Creation) -> Iterator[tuple[str, str]]:
    sections = creation.sections
    if creation.plugins:
        yield "plugin", " or ".join(creation.plugins)
    if all(proof.secret is None and proof.plugin.endswith(_PASSWORDS) for proof in creation.proofs):
        yield "password", "none"
    yield from _tls(sections.get("REQUIRE", ""))
    yield from _limits(sections.get("WITH", ""))
    if sections.get("ACCOUNT", "").endswith(" LOCK"):
        yield "locked", "yes"
    yield from _expiry(sections.get("PASSWORD EXPIRE"))
    for name, fact in _OPTIONS.items():
        said = sections.get(name, "DEFAULT").rpartition(" ")[2]
        if name == "PASSWORD REUSE" and said == "DAY":
            said = f"after {sections[name].split()[-2]} days"
        if said not in {"DEFAULT", "0"}:
            yield fact, "required" if said == "CURRENT" else said.lower()
    attribute = value(sections.get("ATTRIBUTE", "").partition(" ")[2])
    if attribute not in {"", "{}"}:
        yield "attribute", attribute


def _tls(said: str) -> Iterator[tuple[str, str]]:
    found = [word.text for word in words(said)][1:]
    if found in (["SSL"], ["X509"]):
        yield "TLS", {"SSL": "required", "X509": "a valid certificate"}[found[0]]
    elif found and found != ["NONE"]:
        pairs = zip(found[::2], found[1::2], strict=False)
        yield "TLS", ", ".join(sorted(f"{name.lower()} {value(told)}" for name, told in pairs))


def _limits(said: str) -> Iterator[tuple[str, str]]:
    found = [word.text for word in words(said)][1:]
    for name, limit in zip(found[::2], found[1::2], strict=False):
        if float(limit):
            yield _LIMITS.get(name, name), f"{float(limit):g}"


def _expiry(said: str | None) -> Iterator[tuple[str, str]]:
    if said == "PASSWORD EXPIRE":
        yield "password expired", "yes"
    elif said and said.endswith(" NEVER"):
        yield "password expires", "never"
    elif said and said.endswith(" DAY"):
        yield "password expires", f"after {said.split()[-2]} days"
