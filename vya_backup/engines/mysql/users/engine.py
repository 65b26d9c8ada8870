"""`INSTANCE/@users` of MySQL and MariaDB; see `engines.accounts.AccountsEngine`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vya_backup.decisions.accounts import Account, AccountName, Statement, is_named
from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Finding, MissingPrivilege, Server, Survey
from vya_backup.engines.commands import Command, SecretFile, SecretPath
from vya_backup.engines.contract import Access, ConnectionSpec, Mending, RestoreRequest, Unfinished
from vya_backup.engines.dumping import DumpObserver, DumpPart, DumpRequest
from vya_backup.engines.mysql import MySqlEngine
from vya_backup.engines.mysql.flavours import Flavour, dotted
from vya_backup.engines.mysql.questions import variables
from vya_backup.engines.mysql.users import equalizing, findings, rehearsal, text
from vya_backup.engines.mysql.users.asking import Answers, ask
from vya_backup.engines.mysql.users.dialects import DIALECTS
from vya_backup.engines.mysql.users.observer import PART, AccountsObserver
from vya_backup.engines.mysql.users.statements import summary
from vya_backup.engines.steps import Steps
from vya_backup.engines.throwaway import Site, Throwaway
from vya_backup.engines.tools import Client, ToolSpec
from vya_backup.redaction import Secret

if TYPE_CHECKING:
    from sqlalchemy import Connection

SUPERUSER = "root"
_CAT = "cat"


class MySqlAccounts(MySqlEngine):
    """The accounts of one flavour: a dump that is asked for, and goes through the pipeline by `cat`."""

    def __init__(self, flavour: Flavour) -> None:
        super().__init__(flavour)
        self.dialect = DIALECTS[flavour.name]
        self.dump_tool = ToolSpec((_CAT,))

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        """Describe a connection to the server: there is no database of that name."""
        return super().connection(access, None, timeout_seconds=timeout_seconds)

    def missing_privileges(self, connection: Connection, server: Server, database: str) -> tuple[MissingPrivilege, ...]:
        """Prove that the account may read accounts."""
        return findings.missing_privileges(connection)

    def survey(self, connection: Connection, server: Server, database: str) -> Survey:
        """Ask for every account; the text is the dump itself."""
        answers, known = ask(connection, self.dialect), variables(connection)
        dump = Secret(self._text(answers, server, known))
        accounts = text.accounts_of(answers.written)
        plugins = sorted(findings.plugins_of(accounts))
        return Survey(
            objects=_observed(dump.reveal()).objects,
            properties={
                "flavour": server.flavour,
                "accounts": [summary(account) for account in accounts],
                "mandatory_roles": known.get("mandatory_roles", ""),
                "partial_revokes": any(map(text.partial_revokes, accounts)),
                "lower_case_table_names": int(known.get("lower_case_table_names", "0")),
            },
            needs=Needs(
                server_version=server.version[:2],
                flavour=server.flavour,
                extensions=tuple(f"{rehearsal.PLUGIN}{plugin}" for plugin in plugins),
            ),
            gaps=answers.gaps,
            size_bytes=len(dump.reveal()),
            text=dump,
        )

    def blocked_seconds(self, connection: Connection, marker: str) -> float:
        """Return 0: nothing is locked."""
        return 0

    def dump_problem(self, client: Client, server: Server) -> str:
        """Return why this client cannot load such a dump; what writes it fits every server."""
        return "" if client.path.name == _CAT else super().dump_problem(client, server)

    def dump(self, request: DumpRequest) -> tuple[DumpPart, ...]:
        """Describe the one part: what was asked for goes to `cat` by a private descriptor, and to no disk."""
        assert request.survey.text is not None  # noqa: S101  the survey is our own
        content = SecretFile(PART, request.survey.text)
        return (DumpPart(PART, Command((str(request.client.path), SecretPath(PART)), secret_files=(content,))),)

    def observer(self) -> DumpObserver:
        """Return a fresh observer."""
        return AccountsObserver()

    def count(self, connection: Connection, server: Server, database: str) -> Manifest:
        """Ask again, and see the answer as a dump."""
        return _observed(self._text(ask(connection, self.dialect), server, {}))

    # ------------------------------------------------------------------ accounts

    def read(self, dump: str) -> tuple[Account, ...]:
        """Return the accounts that a dump holds."""
        return text.read(dump)

    def kept_back(self, accounts: Iterable[Account], access: Access) -> frozenset[AccountName]:
        """Return root, from everywhere, the account that restores, and whom the instance's `users_kept_back` names."""
        mine, named = {SUPERUSER, access.username}, access.instance.users_kept_back
        return frozenset(
            account.name
            for account in accounts
            if (not account.is_role and account.name.user in mine) or any(is_named(account.name, one) for one in named)
        )

    def accounts_findings(
        self, connection: Connection, server: Server, accounts: Iterable[Account]
    ) -> tuple[Finding, ...]:
        """Say what stands against making these accounts there."""
        return findings.findings(connection, server, accounts, self.dialect)

    def equalize(self, wanted: Account, live: Account) -> tuple[Statement, ...]:
        """Return the statements that make an account of the server equal to the dump's."""
        return equalizing.equalize(wanted, live, self.dialect)

    # ------------------------------------------------------------------ drills

    def target_exists(self, connection: Connection, request: RestoreRequest) -> bool:
        """Say that a server always has accounts."""
        return True

    def check_target(self, connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
        """Say what stands against a drill there."""
        return rehearsal.check(connection, request)

    def restore(self, request: RestoreRequest) -> Steps:
        """Describe a drill: every account on a private server. On any other the first step refuses."""
        return rehearsal.rehearse(request, self.dialect)

    def mend(self, left: Unfinished) -> Mending:
        """Leave everything: a private server goes as a whole."""
        yield from ()
        return ""

    def restore_words(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def throwaway(self, site: Site) -> Throwaway:
        """Describe a private server that knows what the grants need."""
        described = super().throwaway(site)
        more = rehearsal.settings(site.properties.get("partial_revokes"))
        assert described.serve is not None  # noqa: S101  these families have servers
        return replace(described, serve=replace(described.serve, argv=(*described.serve.argv, *more)))

    def stubs(self, connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
        """Return what loads the login plugins; the objects of grants come with the load."""
        return rehearsal.plugins(connection, request, self.dialect)

    def drill_objections(self, connection: Connection, server: Server) -> tuple[str, ...]:
        """Refuse every server that others use."""
        return ("accounts belong to a whole server, and are only drilled on a private one",)

    # ------------------------------------------------------------------

    def _text(self, answers: Answers, server: Server, known: Mapping[str, Any]) -> str:
        title = text.Title(server.flavour, dotted(server.version), str(known.get("mandatory_roles", "")))
        return text.write(title, answers.written)


def _observed(dump: str) -> Manifest:
    """Return what an observer sees in a dump."""
    observer = AccountsObserver()
    observer.feed(dump.encode())
    return observer.finish().manifest
