"""First contact: makes the account that backups use, keeps it, and writes the configuration; nothing is overwritten.

The rule: the order of the effects. The password is safe in the store before the server knows it, and the configuration
comes last; so whatever a failure leaves, the same answers again go on from there.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from vya_backup.engines import engine_for
from vya_backup.engines.answers import Server
from vya_backup.engines.contract import Access, Engine
from vya_backup.engines.new_account import AccountStatements, NewAccount
from vya_backup.errors import BackupError, ConfigurationError, LoginRefused, UsageError
from vya_backup.redaction import Secret, scrub
from vya_backup.settings.credentials import CredentialStore, Login
from vya_backup.settings.editing import with_instance
from vya_backup.settings.encryption import add
from vya_backup.settings.first_file import FirstAnswers, first_file, on_one_line
from vya_backup.settings.loading import load
from vya_backup.settings.model import Configuration
from vya_backup.settings.places import Places
from vya_backup.settings.private_files import exists, rewrite, write_new
from vya_backup.transport.connections import connect, server_code
from vya_backup.transport.peers import as_account

if TYPE_CHECKING:
    from sqlalchemy import Connection

PASSWORD_BYTES = 24
PASSWORD_POLICY = frozenset({"1290", "1819"})
"""A server of MySQL's family that wants to see passwords refuses hashes, or the password itself."""
BY_HAND = (
    "The server looks at passwords itself: let an administrator run what `init --print-grants` prints, with a password "
    "that it takes, and say `init --existing-account`."
)
ADMINISTRATOR_REFUSED = (
    "This is the administrator's account, which is kept nowhere: say the same again, with its right name and password."
)
Way = Literal["make", "existing", "none"]
"""How the account for backups comes to be: made by an administrator's, there already, or not needed (files)."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """Everything that was answered."""

    places: Places
    answers: FirstAnswers
    way: Way = "none"
    account: Login = field(default_factory=Login)
    """The account for backups; its password is empty where one is to be made up."""
    account_host: str = ""
    admin: Login = field(default_factory=Login)
    adds: bool = False
    """Whether the instance is one more of a configuration that exists."""


@dataclass(frozen=True)
class Prepared:
    """What would be done, with everything that was asked before the first effect."""

    wish: Wish
    text: str
    """The whole new configuration."""
    login: Login
    stored: bool
    """Whether the account lies in the store already: an earlier attempt went so far."""
    statements: AccountStatements | None = None

    @property
    def shown_statements(self) -> tuple[str, ...]:
        """Return what will be run on the server, passwords masked."""
        return tuple(scrub(each) for each in self.statements.all) if self.statements else ()


def prepare(wish: Wish) -> Prepared:
    """Ask the server, and work out all that would be done; nothing is touched.

    Raises:
        UsageError: the account or the instance is there already.
        BackupError: the server or the store cannot be used.
    """
    text = _text(wish)
    stored = _stored(wish)
    if wish.way == "existing":
        _demand_login(wish)
        stored = stored if stored == wish.account else None  # what is said now mends what was said before
    login = stored or Login(wish.account.username, wish.account.password or _made_up())
    prepared = Prepared(wish, text, login, stored is not None)
    if wish.way != "make":
        return prepared
    with administrating(wish) as (engine, connection, server):
        statements = engine.new_account(connection, server, _account(wish, login))
    if statements and statements.exists and not stored:
        raise UsageError(
            f"the server has an account {statements.name} already, and its password is nowhere here",
            "Give the account for backups another name with --account, or say --existing-account and its password.",
        )
    return replace(prepared, statements=statements)


def carry_out(prepared: Prepared, tell: Tell) -> None:
    """Keep the account, make it, write the configuration; each step is told when it is done.

    Raises:
        BackupError: a step failed; the same answers again go on from there.
    """
    wish, instance = prepared.wish, prepared.wish.answers.instance
    if wish.way != "none" and not prepared.stored:
        said = {"username": prepared.login.username, "password": prepared.login.password.reveal()}
        done = add(_configuration(wish), {"id": instance.id, **said}, replace=wish.way == "existing")
        tell(f"the password lies encrypted in {done.path}")
    if prepared.statements:
        _execute(wish, prepared.statements)
        how = "was there, and has all its grants" if prepared.statements.exists else "is made"
        tell(f"the account {prepared.statements.name} {how}")
    if wish.adds:
        rewrite(wish.places.configuration, prepared.text.encode(), like=wish.places.configuration)
    else:
        write_new(wish.places.configuration, prepared.text.encode())
    tell(f"the configuration is {wish.places.configuration}")


def for_an_administrator(wish: Wish, server: Server) -> tuple[str, ...]:
    """Return the statements for somebody else to run, with a password that they choose."""
    account = _account(wish, Login(wish.account.username))
    if not account.host:  # nobody is connected who could be told from where
        account = replace(account, host="localhost")
    statements = engine_for(wish.answers.instance.type).new_account(None, server, account)
    if statements is None:
        return ()
    return (*(f"{each};" for each in statements.all), *(f"-- {each};" for each in statements.perhaps))


@contextmanager
def administrating(wish: Wish) -> Iterator[tuple[Engine, Connection, Server]]:
    """Open the administrator's connection; root comes through a socket as the account of that name.

    Raises:
        BackupError: the server refuses, or cannot be reached.
    """
    instance, admin = wish.answers.instance, wish.admin
    engine, access = engine_for(instance.type), Access(instance, admin.username, admin.password)
    engine.connection(access, None).url.get_dialect().import_dbapi()  # that account might not be able to read it
    by_socket = instance.socket is not None and not admin.password
    with ExitStack() as opened:
        try:
            with as_account(admin.username if by_socket else ""):
                connection = opened.enter_context(connect(engine, access))
        except LoginRefused as error:
            raise LoginRefused(error.message, ADMINISTRATOR_REFUSED) from error
        yield engine, connection, engine.server(connection)


def _demand_login(wish: Wish) -> None:
    """Log in as the account that is said to exist, before its password is kept anywhere."""
    instance, login = wish.answers.instance, wish.account
    with connect(engine_for(instance.type), Access(instance, login.username, login.password)):
        pass


def _execute(wish: Wish, statements: AccountStatements) -> None:
    try:
        with administrating(wish) as (_, connection, _server):
            for statement in statements.all:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    except BackupError as error:
        if server_code(error) in PASSWORD_POLICY:
            raise type(error)(error.message, BY_HAND) from error
        raise


def _account(wish: Wish, login: Login) -> NewAccount:
    instance = wish.answers.instance
    host = wish.account_host or ("" if instance.is_local else "%")
    return NewAccount(login.username, login.password, host, over_tls=instance.tls.enabled)


def _configuration(wish: Wish) -> Configuration:
    """Return the settings that say where the store and its key lie, before there is a file that does."""
    if exists(wish.places.configuration):
        return load(wish.places.configuration).configuration
    file = wish.places.base / Configuration().credentials.file
    return Configuration.model_validate(
        {"credentials": {"file": file}, "storage": {"base_path": wish.answers.base_path}}
    )


def _stored(wish: Wish) -> Login | None:
    """Return the account that an earlier attempt kept, if any."""
    if wish.way == "none":
        return None
    store = CredentialStore.load(_configuration(wish))
    return store.access(wish.answers.instance) if store.knows(wish.answers.instance.id) else None


def _text(wish: Wish) -> str:
    if not wish.adds:
        return _writable(first_file(wish.answers))
    path, instance = wish.places.configuration, wish.answers.instance
    before = path.read_bytes().decode("utf-8-sig")
    if any(known.id == instance.id for known in load(path).configuration.instances):
        raise UsageError(f"{path} has an instance {instance.id} already", "Give the new one another --id.")
    after = with_instance(before, _writable(on_one_line(instance)))
    if after is None:
        raise ConfigurationError(
            f"{path}: nothing can be added to its `instances` without touching the rest of it",
            f"Add this item by hand: - {on_one_line(instance)}",
        )
    return after


def _writable(text: str) -> str:
    """Refuse what a working folder or a home brought in that is no text."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n")
        raise UsageError(
            f"the configuration would hold a name that is no UTF-8 text: {text.splitlines()[line].strip()!a}",
            "Rename the folder, or name another one.",
        ) from None
    return text


def _made_up() -> Secret:
    """Return a password that no server's policy refuses: letters of both cases, a digit, and one other character."""
    while True:
        made = secrets.token_urlsafe(PASSWORD_BYTES).replace("-", "x") + "_"
        if any(c.isupper() for c in made) and any(c.islower() for c in made) and any(c.isdigit() for c in made):
            return Secret(made)
