"""The programs of a private server where an installation has them: the unpacked MySQL gets a prefix of its own."""

from __future__ import annotations

from pathlib import Path

from tests.servers import TestServer, binaries

LINKS = {"lib": "lib", "share": "share", "sbin": "sbin", "scripts": "bin"}
CLIENT = '#!/bin/sh\nexec {loader} {prefix}/scripts/{name} "$@"\n'
SERVER = """#!/bin/sh
[ "$1" = --no-defaults ] || exec {loader} {prefix}/sbin/{name} "$@"
shift
exec {loader} {prefix}/sbin/{name} --no-defaults --basedir={prefix} --lc-messages-dir={prefix}/share/mysql \
--character-sets-dir={prefix}/share/mysql/charsets --plugin-dir={prefix}/lib/mysql/plugin "$@"
"""


def programs_of(server: TestServer, folder: Path) -> Path:
    """Return the folder of the programs of a server's kind; below `folder` where one has to be made."""
    if server.engine != "mysql":
        return server.client_folder
    prefix = folder / "installed"
    if not prefix.exists():
        _install(prefix)
    return prefix / "bin"


def _install(prefix: Path) -> None:
    loader, tree = binaries.mysql().launcher[0], binaries.cache_folder() / "mysql-9/tree/usr"
    (prefix / "bin").mkdir(parents=True)
    for name, target in LINKS.items():
        (prefix / name).symlink_to(tree / target)
    libraries = prefix / Path(loader).parent.relative_to(tree.resolve())
    words = f"{libraries}/{Path(loader).name} --library-path {libraries}:{libraries}/mysql"
    for name, text in (("mysql", CLIENT), ("mysqldump", CLIENT), ("mysqld", SERVER)):
        wrapper = prefix / "bin" / name
        wrapper.write_text(text.format(loader=words, prefix=prefix, name=name))
        wrapper.chmod(0o755)
