"""Which codec reads the names in a database of a given encoding.

The rule: SQL_ASCII means "bytes as they come"; they are shown as UTF-8 where they are, with escapes where not.
"""

from __future__ import annotations

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


def readable(text: str) -> str:
    """Return what an observer shows for a name of a SQL_ASCII database that came through `TRANSPARENT`."""
    return text.encode("latin-1").decode("utf-8", "backslashreplace")
