"""Describes a private MySQL or MariaDB for one drill, and what a dump needs there that is no part of it.

The rule: no network, no event ever runs, no client may be asked for a file, and durability is off.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access
from vya_backup.engines.mysql.flavours import Flavour
from vya_backup.engines.mysql.privileges import ask_grants, may
from vya_backup.engines.mysql.questions import identifier, literal, variables
from vya_backup.engines.throwaway import Site, Throwaway
from vya_backup.settings.model import Instance

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.contract import RestoreRequest

_FOLDERS = ("bin", "sbin", "lib", "lib64", "share", "scripts")
_SETTINGS = (
    "--skip-networking",
    "--event-scheduler=OFF",  # DISABLED would refuse to create them
    "--local-infile=OFF",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--loose-mysqlx=OFF",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=128M",
    "--max-allowed-packet=1G",
)


def throwaway(site: Site, flavour: Flavour) -> Throwaway:
    """Describe the server; how it treats the case of names is fixed when its data folder is made."""
    program, data = site.program.path, site.folder / "data"
    names = site.properties.get("lower_case_table_names")
    case = () if names is None else (f"--lower-case-table-names={int(names)}",)
    files = (f"--datadir={data}", f"--tmpdir={site.folder}")
    socket = site.folder / "s"
    places = (f"--socket={socket}", f"--pid-file={site.folder / 'pid'}", f"--secure-file-priv={site.folder}")
    return Throwaway(
        access=Access(Instance.model_validate({"id": "drill", "type": flavour.name, "socket": socket}), "root"),
        database=site.database,
        make=(Command((*_maker(program, flavour), *files, *case)),),
        serve=Command((str(program), "--no-defaults", *files, *places, *_SETTINGS, *case)),
        shows=tuple(program.resolve().parent.parent / name for name in _FOLDERS),
    )


def _maker(program: Path, flavour: Flavour) -> tuple[str, ...]:
    """Return the words that fill a data folder."""
    if flavour.name == "mysql":
        return (str(program), "--no-defaults", "--initialize-insecure")
    script = "mariadb-install-db"
    beside = (program.parent, program.parent.parent / "bin", program.parent.parent / "scripts")
    found = next((folder / script for folder in beside if (folder / script).is_file()), Path(script))
    return (
        *(str(found), "--no-defaults", "--auth-root-authentication-method=normal"),
        *("--skip-test-db", "--skip-name-resolve", "--force"),  # behind the walls no host name can be looked up
    )


def stubs(request: RestoreRequest) -> tuple[str, ...]:
    """Return accounts that nobody can log in to, for the definers."""
    return tuple(_stub(definer) for definer in request.needs.definers)


def _stub(definer: str) -> str:
    user, _, host = definer.rpartition("@")
    if not host:  # MariaDB's roles have none
        return f"CREATE ROLE IF NOT EXISTS {identifier(user)}"
    return f"CREATE USER IF NOT EXISTS {literal(user)}@{literal(host)} ACCOUNT LOCK"


def objections(connection: Connection) -> tuple[str, ...]:
    """Return why a server that others use must not run a drill with this account."""
    found = []
    if may(ask_grants(connection), "SUPER", "ALL PRIVILEGES"):
        found.append("its account is a superuser, with whose rights the code in a dump would run")
    if variables(connection).get("event_scheduler", "OFF").upper() in {"ON", "1"}:
        found.append("its event scheduler is on (SET GLOBAL event_scheduler = OFF)")
    return tuple(found)


def drop(database: str) -> tuple[str, ...]:
    """Return what removes a restored database."""
    return (f"DROP DATABASE IF EXISTS {identifier(database)}",)
