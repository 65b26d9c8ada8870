"""PURE: what the site answers at all, and under which headers. Whatever is not named here is refused.

The rule: reading only. Datasette's own permissions deny arbitrary SQL and the inner tables; this stands before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote

READING: Final = frozenset({"GET", "HEAD"})
LOGIN: Final = frozenset({"/-/login", "/-/logout"})
MONITORING: Final = ("/health", "/metrics")
ALIVE: Final = "/health/live"
CATALOG: Final = "catalog"
"""What the published copy is called in addresses, whatever its file is called."""

# No outside host, no inline script or style, no frame: what an event's text might smuggle in has nothing to run on.
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

_ARBITRARY: Final = frozenset({"sql", "_where"})


def refusal(method: str, path: str, query: str, *, login: bool) -> str:
    """Return why a request is refused, or an empty text; `login` says whether the site has accounts."""
    plain = unquote(path)
    is_login = login and plain in LOGIN
    if method not in READING and not (is_login and method == "POST"):
        return "this site is for reading: only GET is answered"
    if plain.startswith("/-/") and not is_login:
        return "this page of the server's own is closed"
    if plain.startswith(("/_internal", "/_memory", "/:memory:")):
        return "there is one database here: the catalog"
    if plain.rstrip("/") in {f"/{CATALOG}.db", f"/{CATALOG}/.db"}:
        return "the file itself is not handed out"
    if _ARBITRARY & set(parse_qs(query, keep_blank_values=True)):
        return "free SQL is closed: use the questions, or filter a table"
    return ""


def needs_login(path: str, peer_is_local: bool, *, open_monitoring: bool) -> bool:
    """Say whether a page is for those who are logged in, on a site that has accounts."""
    plain = unquote(path)
    if plain in LOGIN or plain == ALIVE or plain.startswith("/assets/"):
        return False
    is_monitoring = plain.startswith(MONITORING)
    return not (is_monitoring and (peer_is_local or open_monitoring))
