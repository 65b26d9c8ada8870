"""Rewrites the events of a dump so that none of them runs before the restored database has been compared.

The rule: only the header that the server itself wrote (SHOW CREATE EVENT) is touched, up to its DO; bodies never are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vya_backup.engines.mysql.statements import unquoted

_NAME = rb"`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\""
_TEXT = rb"'(?:[^'\\]|\\.|'')*'"
_HEADER = re.compile(
    rb"(?P<head>/\*!50106 CREATE\*/ /\*!50117 DEFINER=(?:" + _NAME + rb")@(?:" + _NAME + rb")\*/ "
    rb"/\*!50106 EVENT (?P<name>" + _NAME + rb") "
    rb"ON SCHEDULE (?P<schedule>(?:[^'`\"]|" + _TEXT + rb")*?) ON COMPLETION )(?P<keep>(?:NOT )?PRESERVE) "
    rb"(?P<state>ENABLE|DISABLE ON (?:SLAVE|REPLICA)|DISABLE)(?= |\n)",
    re.DOTALL,
)  # fmt: skip
_AT = re.compile(rb"(?:^AT|ENDS) '(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")


@dataclass
class Disabled:
    """An edit of the events part: all events are created DISABLED, and the names of those that ran are kept.

    `now` is the server's time as `2026-01-09 02:00:00`. An event whose time is over would vanish as soon as it is
    created (ON COMPLETION NOT PRESERVE), so it is preserved, and stays disabled.
    """

    now: str
    enabled: list[str] = field(default_factory=list)

    def __call__(self, part: bytes) -> bytes:
        """Return the part with every event DISABLED."""
        return _HEADER.sub(self._disabled, part)

    def _disabled(self, header: re.Match[bytes]) -> bytes:
        over = _AT.search(header["schedule"])
        is_over = over is not None and over[1].decode() <= self.now
        if header["state"] == b"ENABLE" and not is_over:
            self.enabled.append(unquoted(header["name"]))
        keep = b"PRESERVE" if is_over else header["keep"]
        state = b"DISABLE" if header["state"] == b"ENABLE" else header["state"]
        return header["head"] + keep + b" " + state
