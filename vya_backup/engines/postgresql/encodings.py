"""How names are read in a database of any encoding, from a dump and from the server.

The rule: SQL_ASCII means "bytes as they come"; they are shown as UTF-8 where they are, with escapes where not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ISO_PARTS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 9, 6: 10, 7: 13, 8: 14, 9: 15, 10: 16}  # LATIN5 is ISO 8859-9, and so on
_CODECS = {
    "UTF8": "utf-8",
    "SQL_ASCII": "utf-8",
    "EUC_JP": "euc_jp",
    "EUC_JIS_2004": "euc_jis_2004",
    "EUC_KR": "euc_kr",
    "EUC_CN": "gb2312",
    "JOHAB": "johab",
    "KOI8R": "koi8_r",
    "KOI8U": "koi8_u",
    **{f"LATIN{number}": f"iso8859_{part}" for number, part in _ISO_PARTS.items()},
    **{f"ISO_8859_{part}": f"iso8859_{part}" for part in (5, 6, 7, 8)},
    **{f"WIN{page}": f"cp{page}" for page in (866, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)},
}
# The catalogs' answers are fetched through this encoding, which any byte passes unchanged.
TRANSPARENT = "LATIN1"


def codec(encoding: str) -> str:
    """Return Python's name for a server encoding; ASCII with escapes where Python has none (EUC_TW, MULE_INTERNAL)."""
    return _CODECS.get(encoding, "ascii")


class Names:
    """Reads names as an observer of the dump does, from what the server answers."""

    def __init__(self, transparent: bool) -> None:
        self._transparent = transparent

    def __call__(self, text: str) -> str:
        return text.encode("latin-1").decode("utf-8", "backslashreplace") if self._transparent else text


@contextmanager
def named(connection: Connection) -> Iterator[Names]:
    """Make names of a SQL_ASCII database readable, whose bytes may be no UTF-8 at all."""
    transparent = connection.exec_driver_sql("SELECT current_setting('server_encoding')").scalar_one() == "SQL_ASCII"
    if not transparent:
        yield Names(transparent=False)
        return
    connection.exec_driver_sql(f"SET client_encoding TO {TRANSPARENT}")
    try:
        yield Names(transparent=True)
    finally:
        connection.exec_driver_sql("SET client_encoding TO UTF8")
