"""Surveys a server's accounts and describes their dump: `pg_dumpall --roles-only`, then what that leaves out.

The rule: passwords are dumped where the account may read them; where it may not, that is a gap which everybody sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Gap, Survey
from vya_backup.engines.commands import Command, SecretFile, SecretPath
from vya_backup.engines.dumping import DumpPart
from vya_backup.engines.postgresql import connection as connections
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.postgresql.roles import catalogs, reading
from vya_backup.engines.postgresql.target import knows_restrict
from vya_backup.errors import DumpFailed
from vya_backup.redaction import Secret

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.answers import Server
    from vya_backup.engines.dumping import DumpRequest

ROLES, SETTINGS = "roles", "settings"
UTC = {"TimeZone": "UTC"}
"""So that an expiry has one spelling, whatever the server's or the account's zone."""


def survey(connection: Connection, of: Server) -> Survey:
    """Ask which accounts there are; the text is the part of the dump that pg_dumpall does not write."""
    found = catalogs.asked(connection, passwords=False)
    about = catalogs.about_server(connection)
    return Survey(
        objects=reading.objects(found.accounts),
        properties={
            "accounts": [reading.summary(account) for account in found.accounts],
            "bootstrap": about.bootstrap,
            "passwords": about.passwords,
            "databases_of_settings": catalogs.databases_of_settings(connection),
        },
        needs=Needs(server_version=of.version, flavour=of.flavour),
        gaps=_gaps(connection, about),
        text=Secret(catalogs.settings_part(connection)),
    )


def _gaps(connection: Connection, about: reading.About) -> tuple[Gap, ...]:
    found = []
    if not about.passwords:
        account = identifier(connection.exec_driver_sql("SELECT current_user").scalar_one())
        found.append(
            Gap(
                "password",
                "of every role",
                "the account may not read pg_authid, so the dump holds no passwords",
                f"In the database {connections.MAINTENANCE}: GRANT SELECT ON pg_catalog.pg_authid TO {account};",
            )
        )
    found += (
        Gap(
            "setting",
            f"{value.partition('=')[0]} of every role (ALTER ROLE ALL)",
            "it is in the dump, but belongs to no account, so that only psql restores it and not a restore by account",
            "Set it on the new server by hand.",
        )
        for value in catalogs.of_all(connection)
    )
    return tuple(found)


def parts(request: DumpRequest) -> tuple[DumpPart, ...]:
    """Describe the two commands.

    Raises:
        DumpFailed: this pg_dumpall would write a name with a line break so that its rest becomes SQL.
    """
    _demand_safe(request)
    argv = (
        *(str(request.client.path), "--roles-only", "--no-password", "--encoding=UTF8"),
        *(() if request.survey.properties["passwords"] else ("--no-role-passwords",)),
        f"--database={connections.MAINTENANCE}",
    )
    session = {**connections.SESSION, **connections.newer(request.server.version), **UTC}
    environment = connections.environment(request.access, request.marker, session)
    roles = Command(argv, environment, connections.password_files(request.access))
    text = request.survey.text or Secret("")
    settings = Command(("cat", SecretPath(SETTINGS)), secret_files=(SecretFile(SETTINGS, text),))
    return DumpPart(ROLES, roles), DumpPart(SETTINGS, settings)


def _demand_safe(request: DumpRequest) -> None:
    # CVE-2025-8715, mended in the same releases that brought \restrict.
    names = [str(one["name"]) for one in request.survey.properties["accounts"]]
    if not knows_restrict(request.client.version) and any("\n" in name or "\r" in name for name in names):
        raise DumpFailed(
            f"a role has a line break in its name, which {request.client.path} writes unescaped",
            "Install pg_dumpall 13.22, 14.19, 15.14, 16.10, 17.6 or any later version, or rename the role.",
        )
