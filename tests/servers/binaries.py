"""Where the servers' programs lie: installed by the distribution, or unpacked into the tests' cache by `install.sh`.

The rule: what is missing is a failure that names the line which mends it, never a skip.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.servers.base import ServerUnavailable

REMEDY = "Run `scripts/test` once as root (or `tests/servers/install.sh`), which installs the servers of the tests."


@dataclass(frozen=True)
class Binaries:
    """One vendor's programs. `launcher` stands before each of them: a loader with its library path, or nothing."""

    daemons: tuple[Path, ...]
    client_folder: Path
    share: Path
    launcher: tuple[str, ...] = ()
    plugins: Path | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the argv of one of the programs.

        Raises:
            ServerUnavailable: there is no such program.
        """
        for folder in self.daemons:
            if (folder / program).exists():
                return [*self.launcher, str(folder / program), *arguments]
        raise ServerUnavailable(f"{program} is missing in {', '.join(map(str, self.daemons))}. {REMEDY}")


def cache_folder() -> Path:
    """Return the folder of unpacked servers: `$VYA_TEST_CACHE`, or one that the servers' own accounts may enter."""
    default = Path("/var/cache") if os.getuid() == 0 else Path.home() / ".cache"
    return Path(os.environ.get("VYA_TEST_CACHE") or default / "vya-backupdb-tests")


def postgresql(major: int) -> Binaries:
    """Find PostgreSQL of one major version, in the distribution's folder or in the cache.

    Raises:
        ServerUnavailable: it is in neither.
    """
    places = [Path(f"/usr/lib/postgresql/{major}"), cache_folder() / f"postgresql-{major}"]
    for place in places:
        if (place / "bin/postgres").exists():
            return Binaries((place / "bin",), place / "bin", place / "share")
    raise ServerUnavailable(f"PostgreSQL {major} is in neither of {', '.join(map(str, places))}. {REMEDY}")


def mariadb() -> Binaries:
    """Find the distribution's MariaDB.

    Raises:
        ServerUnavailable: it is not installed.
    """
    if not Path("/usr/sbin/mariadbd").exists():
        raise ServerUnavailable(f"/usr/sbin/mariadbd is missing. {REMEDY} Or: apt-get install mariadb-server")
    share = next(path for path in map(Path, ("/usr/share/mysql", "/usr/share/mariadb")) if (path / "charsets").exists())
    return Binaries((Path("/usr/sbin"), Path("/usr/bin")), Path("/usr/bin"), share)


def mysql() -> Binaries:
    """Find MySQL in the cache: a tree of another Debian, run through that tree's own loader and libraries.

    Raises:
        ServerUnavailable: it is not there.
    """
    tree, clients = cache_folder() / "mysql-9/tree", cache_folder() / "mysql-9/bin"
    if not (tree / "usr/sbin/mysqld").exists():
        raise ServerUnavailable(f"{tree}/usr/sbin/mysqld is missing. {REMEDY}")
    usr = (tree / "usr").resolve()
    libraries = next(usr.glob("lib/*-linux-gnu"))
    loader = next(path for path in sorted(libraries.glob("ld-*.so*")) if "ld-linux" in path.name)
    launcher = (str(loader), "--library-path", f"{libraries}:{libraries}/mysql")
    return Binaries((usr / "sbin",), clients, usr / "share/mysql", launcher, usr / "lib/mysql/plugin")
