"""What tools and drivers say becomes an error of ours, without row values."""

from __future__ import annotations

import pytest

from vya_backup.engines.mysql.explain import explain_tool
from vya_backup.errors import (
    BackupError,
    DumpBlocked,
    DumpDisturbed,
    DumpFailed,
    LoginRefused,
    PrivilegeMissing,
    RestoreFailed,
    ServerUnreachable,
)


@pytest.mark.parametrize(
    ("stderr", "kind", "passes"),
    [
        (
            "mysqldump: Got error: 1045: Access denied for user 'u'@'h' (using password: YES) when trying",
            LoginRefused,
            False,
        ),
        ('mariadb-dump: Got error: 2002: "Can\'t connect to server" when trying to connect', ServerUnreachable, True),
        (
            "mysqldump: Error 2013: Lost connection to MySQL server during query when dumping table `t`",
            DumpDisturbed,
            True,
        ),
        ("mysqldump: Error 1412: Table definition has changed, please retry transaction", DumpDisturbed, True),
        (
            "mariadb-dump: Error 2026: TLS/SSL error: unexpected eof while reading when dumping table `t`",
            DumpDisturbed,
            True,
        ),
        ('mysqldump: Got error: 2026: "TLS/SSL error: Certificate verification failure" when', LoginRefused, False),
        ("mysqldump: Got error: 1040: Too many connections when trying to connect", ServerUnreachable, True),
        ("mysqldump: Couldn't execute 'SHOW CREATE TABLE `t`': Lock wait timeout exceeded (1205)", DumpBlocked, True),
        (
            "mysqldump: Couldn't execute 'SHOW TRIGGERS': SELECT command denied to user 'u'@'h' (1142)",
            PrivilegeMissing,
            False,
        ),
        ("mysqldump: Couldn't execute 'SHOW FIELDS FROM `v`': View 'v' references invalid (1356)", DumpFailed, False),
        ("mysqldump: Error 1153: Got a packet bigger than 'max_allowed_packet' bytes", DumpFailed, False),
    ],
)
def test_classifies_what_the_dump_tools_say(stderr: str, kind: type[BackupError], passes: bool) -> None:
    """The error's code decides, whatever the words around it; warnings before it do not count."""
    error = explain_tool("/usr/bin/mysqldump", 2, "mysqldump: [Warning] Using a password\n" + stderr + "\nmore")
    assert type(error) is kind
    assert error.passes is passes


def test_row_values_are_cut_out() -> None:
    """A duplicate entry's value is data."""
    error = explain_tool("mysql", 1, "ERROR 1062 (23000) at line 7: Duplicate entry 'Jane Doe' for key 'name'")
    assert isinstance(error, RestoreFailed)
    assert "Jane" not in error.message
    assert "1062" in error.message
