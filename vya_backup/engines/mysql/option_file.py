"""Writes the option file that the vendor tools read: address, account, TLS and every long list.

The rule: no password and no list of names stands in argv. The format is MySQL's manual, "Using Option Files".
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

from vya_backup.engines.commands import SecretFile, SecretPath
from vya_backup.engines.contract import Access
from vya_backup.engines.mysql.flavours import Flavour
from vya_backup.redaction import Secret
from vya_backup.settings.model import Instance, Tls

NAME = "options.cnf"
DEFAULTS_FILE = SecretPath(NAME, prefix="--defaults-file=")
"""Must be the first argument: the tools take it nowhere else, and then read no other option file."""
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"})
_MODES = {"require": "REQUIRED", "verify-ca": "VERIFY_CA", "verify-full": "VERIFY_IDENTITY"}

Option = tuple[str, str]


def option_file(access: Access, flavour: Flavour, groups: dict[str, Iterable[Option]]) -> SecretFile:
    """Return the file: `[client]` with the account, then further groups such as `mysqldump`."""
    sections = {"client": [*_address(access.instance), *_account(access), *_tls(access.instance, flavour)], **groups}
    lines = [line for group, options in sections.items() for line in (f"[{group}]", *map(_line, options))]
    return SecretFile(NAME, Secret("\n".join(lines) + "\n"))


def quoted(value: str) -> str:
    """Quote a value so that `#`, quotes, backslashes and blanks at its ends arrive as they are."""
    return '"' + value.translate(_ESCAPES) + '"'


def socket_of(instance: Instance) -> str:
    """Return the path of the unix socket, or an empty text for TCP."""
    if instance.socket is not None:
        return str(instance.socket)
    return instance.host if instance.host.startswith("/") else ""


def authority(tls: Tls) -> Path | None:
    """Return the file or folder of trusted certificates: the configured one, else the system's."""
    if tls.ca_cert is not None:
        return tls.ca_cert
    paths = ssl.get_default_verify_paths()
    found = paths.cafile or paths.capath
    return Path(found) if found else None


def _line(option: Option) -> str:
    name, value = option
    return f"{name}={quoted(value)}" if value else name


def _address(instance: Instance) -> list[Option]:
    socket = socket_of(instance)
    if socket:
        return [("protocol", "socket"), ("socket", socket)]
    # Without `protocol` the tools take `localhost` for the socket, and another server than the one configured.
    return [("protocol", "tcp"), ("host", instance.host), ("port", str(instance.port or 3306))]


def _account(access: Access) -> list[Option]:
    password = access.password.reveal()
    # An empty password needs the equals sign, otherwise the tools ask on the terminal.
    return [("user", access.username), ("password", password) if password else ("password=", "")]


def _tls(instance: Instance, flavour: Flavour) -> list[Option]:
    return _mariadb_tls(instance) if flavour.name == "mariadb" else _mysql_tls(instance)


def _mysql_tls(instance: Instance) -> list[Option]:
    tls = instance.tls
    if not tls.enabled:
        mode = "DISABLED" if instance.ssl else "PREFERRED"
        # caching_sha2_password sends the password encrypted with this key when the line itself is plain.
        return [("ssl-mode", mode), ("get-server-public-key", "ON")]
    return [("ssl-mode", _MODES[tls.mode]), *_certificates(tls, verify=tls.mode != "require")]


def _mariadb_tls(instance: Instance) -> list[Option]:
    tls = instance.tls
    if not tls.enabled:
        return [("skip-ssl", "")] if instance.ssl else [("ssl-verify-server-cert", "OFF")]
    # The client knows no "authority only": verify-ca is taken as verify-full, the stricter one.
    verify = tls.mode != "require"
    return [("ssl", "ON"), ("ssl-verify-server-cert", "ON" if verify else "OFF"), *_certificates(tls, verify=verify)]


def _certificates(tls: Tls, *, verify: bool) -> list[Option]:
    options: list[Option] = [("tls-version", "TLSv1.2,TLSv1.3")]
    trusted = authority(tls) if verify else None
    if trusted is not None:
        options.append(("ssl-capath" if trusted.is_dir() else "ssl-ca", str(trusted)))
    if tls.client_cert is not None:
        options.append(("ssl-cert", str(tls.client_cert)))
    if tls.client_key is not None:
        options.append(("ssl-key", str(tls.client_key)))
    return options
