"""What a first contact asks: which server, whose account, where to. Each question is an option of `init`, too."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from vya_backup.command_line.conversation import Conversation
from vya_backup.command_line.first_answers import (
    ADMINISTRATORS,
    absolute,
    are_addresses,
    is_account,
    is_folder,
    is_host,
    is_id,
    is_mail_server,
    is_port,
    is_server,
    is_there,
    is_wrong,
    is_zone,
    split,
)
from vya_backup.command_line.options import Declaration, flag, option
from vya_backup.engines import MODULES, engine_for, has_accounts
from vya_backup.engines.answers import Server
from vya_backup.errors import UsageError
from vya_backup.jobs.beginning import Way, Wish
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.first_file import FirstAnswers
from vya_backup.settings.loading import load
from vya_backup.settings.model import LOCAL_HOSTS, Instance
from vya_backup.settings.notifications_model import bare_address
from vya_backup.settings.places import Places
from vya_backup.transport.greeting import LOOPBACK, FoundServer, find_servers, hear

ENGINES = tuple(MODULES)
ACCOUNT = "vya_backup"


OPTIONS: tuple[Declaration, ...] = (
    option("place", "where the configuration goes: here, user, system (default: what fits the account)"),
    option("engine", f"what is backed up: {', '.join(ENGINES)}"),
    option("host", "the server's name or address (default: this machine)"),
    option("port", "its port"),
    option("socket", "or its socket on this machine"),
    option("path", "SQLite: a file, a folder, or a pattern such as /srv/app/*.db"),
    option("ca_cert", "who signed the certificate of a remote server (default: the system's authorities)"),
    flag("no_tls", "say that the line to a remote server is plain"),
    option("id", "the instance's name in the configuration"),
    option("admin_user", "an administrator's account on the server, which makes the one for backups"),
    option(
        "admin_password_file", "a file whose first line is its password (default: asked; without one, by the socket)"
    ),
    option("admin_password_env", "or the environment variable that holds it"),
    option("account", f"the account for backups (default: {ACCOUNT})"),
    option("account_host", "MySQL, MariaDB: from where it may come (default: here, or % for a remote server)"),
    flag("existing_account", "it is there already, and nothing is changed on the server"),
    option("password_file", "a file whose first line is the password of an existing account"),
    option("password_env", "or the environment variable that holds it"),
    option("base_path", "the folder for backups"),
    option("timezone", "the time zone that days are counted in"),
    option("mail", "who is told of failures: A,B"),
    option("smtp_host", "the server that takes their mail: HOST or HOST:PORT (default: localhost)"),
    flag("add", "one more instance for a configuration that exists"),
    flag("print_grants", "print the statements that make the account, for an administrator, and stop"),
    flag("no_backup", "make no first backup"),
    flag("no_timer", "install no timer"),
    flag("dry_run", "show everything that would be done, touch nothing"),
    flag("yes", "take every default and agree to everything"),
)


@dataclass(frozen=True)
class Target:
    """What is to be backed up: its kind and address, and what the server said of itself, if it was heard."""

    facts: Mapping[str, Any]
    server: Server | None = None


def ask_everything(talk: Conversation, places: Places, *, adds: bool) -> tuple[Wish, Server | None]:
    """Ask all that is needed for a first instance, or one more; return it, and the server's greeting.

    Raises:
        UsageError: a question has no answer, or a wrong one.
    """
    target = _target(talk)
    instance = _instance(talk, target, _known(places) if adds else frozenset())
    way, account, host, admin = _accounts(talk, instance)
    answers = FirstAnswers(instance, places.backups, places.catalog)
    if not (adds or talk.options["print_grants"]):
        answers = _rest(talk, instance, places)
    return Wish(places, answers, way, account, host, admin, adds), target.server


def _target(talk: Conversation) -> Target:
    said = talk.options
    if said["path"] or said["engine"] == "sqlite":
        return Target({"type": "sqlite", "path": _path(talk)})
    if said["socket"] or said["host"] or said["port"] or said["engine"]:
        return _named(talk, str(said["host"] or ""))
    found = find_servers(os.environ)
    talk.say("Found on this machine:" if found else "No database server was found on this machine.")
    width = max((len(one.server.banner) for one in found), default=0)
    shown = [f"{one.server.banner:{width}}  {one.address}" for one in found]
    others = ["a server on another machine", "SQLite: a file, a folder or a pattern"]
    number = talk.choose("engine", "Which one shall be backed up?", [*shown, *others])
    if number < len(found):
        return _found(found[number])
    return _named(talk, "") if number == len(found) else Target({"type": "sqlite", "path": _path(talk)})


def _path(talk: Conversation) -> str:
    return str(absolute(talk.ask("path", "Which file, folder or pattern", check=is_there)))


def _found(one: FoundServer) -> Target:
    where: dict[str, Any] = {"socket": one.socket} if one.socket else {"host": one.host, "port": one.port}
    return Target({"type": one.server.flavour, **where, **_port_of(one.socket)}, one.server)


def _port_of(path: Path | None) -> dict[str, Any]:
    """Return the port that the socket of a PostgreSQL server is named after, where it is not the usual one."""
    suffix = path.suffix[1:] if path and path.name.startswith(".s.PGSQL.") else ""
    return {"port": int(suffix)} if suffix.isdigit() and int(suffix) != engine_for("postgresql").default_port else {}


def _named(talk: Conversation, host: str) -> Target:
    said = talk.options
    path = absolute(str(said["socket"])) if said["socket"] else None
    if path is None and not host:
        local = bool(said["port"] or said["engine"])
        host = LOOPBACK if local else talk.ask("host", "Its name or address", check=is_host)
    host = LOOPBACK if host in LOCAL_HOSTS else host
    _refuse(is_host(host), "host")
    engine = str(said["engine"] or "")
    port = _port(talk, engine) if path is None else None
    heard = next((one for each in ([port] if port else [3306, 5432]) if (one := hear(host, each, path))), None)
    if engine and heard and heard.server.flavour != engine:
        talk.say(f"note: what answers at {heard.address} says that it is {heard.server.banner}")
    default = heard.server.flavour if heard else ""
    kind = engine or talk.ask("engine", f"Its kind: {', '.join(ENGINES[:3])}", default, check=is_server)
    _refuse(is_server(kind), "engine")
    where: dict[str, Any] = {"socket": path, **_port_of(path)} if path else {"host": host}
    port = port or (heard.port if heard and not path else None)
    if port and port != engine_for(kind).default_port and not path:
        where["port"] = port
    return Target({"type": kind, **where, **_tls(talk, host, path)}, heard.server if heard else None)


def _port(talk: Conversation, engine: str) -> int | None:
    default = str(engine_for(engine).default_port) if engine in ADMINISTRATORS else ""
    said = talk.ask("port", "Its port (empty: the usual one)", default, check=is_port)
    return int(said) if said else None


def _tls(talk: Conversation, host: str, path: Path | None) -> dict[str, Any]:
    if path is not None or host == LOOPBACK:
        return {}
    if talk.options["no_tls"]:
        return {"ssl": {"enabled": False}}
    authority = talk.ask("ca_cert", "File of who signed its certificate (empty: the system's authorities)")
    return {"ssl": {"ca_cert": str(absolute(authority))}} if authority else {}


def _known(places: Places) -> frozenset[str]:
    return frozenset(instance.id for instance in load(places.configuration).configuration.instances)


def _instance(talk: Conversation, target: Target, known: frozenset[str]) -> Instance:
    host = str(target.facts.get("host", LOOPBACK))
    named = host.partition(".")[0] if host[0].isalpha() else host.replace(":", "-").strip("-")
    where = "local" if host == LOOPBACK else named

    def is_new(text: str) -> str:
        is_taken = talk.is_heard and text in known  # without a conversation it is said when all is known
        return f"there is an instance {text} already" if is_taken else is_id(text)

    name = talk.ask("id", "Its name in the configuration", f"{where}-{target.facts['type']}", check=is_new)
    try:
        return Instance(id=name, **target.facts)
    except ValidationError as error:
        raise UsageError(f"the server cannot be configured so: {error.errors()[0]['msg']}") from error


def _accounts(talk: Conversation, instance: Instance) -> tuple[Way, Login, str, Login]:
    if not has_accounts(instance.type):
        return "none", Login(), "", Login()
    said, way = talk.options, "make"
    if said["existing_account"] or said["password_file"] or said["password_env"]:
        way = "existing"
    elif talk.is_heard and not (said["admin_user"] or said["print_grants"]):
        talk.say("Backups use an account of their own, which may read everything and change nothing.")
        ways = ("make it now, with an administrator's account", "it is there already, I have its password")
        way = ("make", "existing")[talk.choose("existing-account", "How?", ways)]
    name = talk.ask("account", "Name of the account for backups", ACCOUNT, check=is_account)
    if way == "existing":
        return "existing", Login(name, _known_password(talk, name)), "", Login()
    host = str(said["account_host"] or "")
    if said["print_grants"]:
        return "make", Login(name), host, Login()
    admin = talk.ask("admin_user", "An administrator's account on the server", ADMINISTRATORS[instance.type])
    by_socket = " (empty: the server knows you by its socket)" if instance.socket else ""
    password = talk.secret("admin_password", f"Its password{by_socket}")
    return cast(Way, way), Login(name), host, Login(admin, password)


def _known_password(talk: Conversation, name: str) -> Secret:
    password = talk.secret("password", f"Password of {name}")
    _refuse("" if password else "an existing account needs its password", "password-file")
    return password


def _rest(talk: Conversation, instance: Instance, places: Places) -> FirstAnswers:
    base = talk.ask("base_path", "Folder for the backups", str(places.backups), check=is_folder)
    zone = talk.ask("timezone", "Time zone that days are counted in", _own_zone(), check=is_zone)
    mail = talk.ask("mail", "Who is told of failures by mail (A,B; empty: nobody)", check=are_addresses)
    recipients = tuple(each.strip() for each in mail.split(",") if each.strip())
    smtp = talk.ask("smtp_host", "Mail server", "localhost", check=is_mail_server) if recipients else "localhost"
    server, port = split(smtp)
    return FirstAnswers(instance, absolute(base), places.catalog, zone, recipients, server, port, _sender())


def _sender() -> str:
    sender = f"vya-backupdb@{socket.gethostname()}"
    return "vya-backupdb@localhost" if is_wrong(bare_address, sender) else sender


def _own_zone() -> str:
    """Return the zone that this machine is set to, or UTC."""
    target = os.path.realpath("/etc/localtime")
    name = os.environ.get("TZ", "").lstrip(":") or target.partition("/zoneinfo/")[2]
    return name if name and not is_zone(name) else "UTC"


def _refuse(wrong: str, option: str) -> None:
    if wrong:
        raise UsageError(f"init needs --{option}: {wrong}", "See: vya-backupdb help init")
