"""The package's shape: imports run one way, and each dangerous thing has one owner. Read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "vya_backup"
BASE = frozenset({"errors", "clock", "redaction", "resources", "log"})
LAYERS = ("settings", "history", "decisions", "engines", "transport", "jobs", "outlook", "command_line")
STORAGE = ("transport/storage/", "settings/private_files.py", "engines/sqlite/program/")
# What may be used only by these files or folders. A dotted name is an import or a call, `.name` a call on any value.
OWNERS: dict[str, tuple[str, ...]] = {
    "subprocess": ("transport/processes.py",),
    "multiprocessing": (),
    "os.nice": (),
    "os.setpriority": ("transport/gentleness.py",),
    "os.fork": ("transport/processes.py",),
    "os.kill": ("transport/processes.py",),
    "os.killpg": ("transport/processes.py",),
    "os.system": (),
    "os.popen": (),
    "sqlite3": ("history/", "engines/sqlite/program/"),
    "time": ("clock.py",),
    "datetime.now": ("clock.py",),
    "datetime.utcnow": (),
    "datetime.today": (),
    "date.today": (),
    "sqlalchemy.create_engine": ("transport/connections.py",),
    "psycopg.connect": ("transport/connections.py",),
    "pymysql.connect": ("transport/connections.py",),
    "doit": ("command_line/",),
    "opentelemetry": ("transport/telemetry.py",),
    "os.unlink": STORAGE,
    "os.remove": STORAGE,
    "os.link": STORAGE,
    "os.rename": STORAGE,
    "os.replace": STORAGE,
    "os.rmdir": STORAGE,
    "shutil.rmtree": STORAGE,
    "shutil.move": (),
    ".unlink": STORAGE,
    ".rename": STORAGE,
    ".replace": STORAGE,
    ".rmdir": STORAGE,
    ".hardlink_to": STORAGE,
}
HEAVY = frozenset(
    {
        "opentelemetry",
        "sqlalchemy",
        "psycopg",
        "pymysql",
        "cryptography",
        "rich",
        "structlog",
        "tenacity",
        "isal",
        "zstandard",
        "zlib_ng",
    }
)


@dataclass(frozen=True)
class Module:
    """One source file: its path below the package, and its syntax tree."""

    path: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        """Return its folder, or its own name at the top of the package."""
        return self.path.split("/")[0].removesuffix(".py")


def modules() -> list[Module]:
    """Read the whole package."""
    files = sorted(ROOT.rglob("*.py"))
    return [Module(str(path.relative_to(ROOT)), ast.parse(path.read_text(), str(path))) for path in files]


def parsed(path: str, source: str) -> Module:
    """Return a planted module."""
    return Module(path, ast.parse(source))


# ------------------------------------------------------------------ reading a tree


def imports(tree: ast.AST, *, at_run_time_only: bool = False) -> Iterator[tuple[int, str]]:
    """Give line and dotted name of everything that is imported; `from a import b` gives `a.b`."""
    for node in _nodes(tree, skip_type_checking=at_run_time_only):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _nodes(tree: ast.AST, *, skip_type_checking: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if skip_type_checking and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _nodes(node, skip_type_checking=skip_type_checking)


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give every import, every dotted call under its imported name, and `.name` for calls that delete or rename."""
    aliases = _aliases(tree)
    yield from imports(tree, at_run_time_only=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, _dotted(node, aliases)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_on_a_path(node, node.func):
            yield node.lineno, f".{node.func.attr}"


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Return what each local name stands for: `import os as o` is {"o": "os"}."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _dotted(node: ast.Attribute, aliases: dict[str, str]) -> str:
    base = ast.unparse(node.value)
    full = f"{aliases.get(base, base)}.{node.attr}"
    return full.replace("datetime.datetime.", "datetime.").replace("datetime.date.", "date.")


def _is_on_a_path(call: ast.Call, function: ast.Attribute) -> bool:
    """Tell a path's method from others of its name: `text.replace(a, b)`, `dataclasses.replace`, `store.unlink`."""
    if ast.unparse(function.value).split(".")[-1] in {"store", "dataclasses", "copy"}:
        return False
    return function.attr != "replace" or (len(call.args) == 1 and not call.keywords)


# ------------------------------------------------------------------ the rules


def backward_imports(module: Module) -> list[str]:
    """Return what runs against the order: a layer may import itself and the ones before it."""
    mine = _rank(module.layer)
    found = []
    for line, name in imports(module.tree):
        if not name.startswith("vya_backup."):
            continue
        layer = name.split(".")[1]
        if layer in BASE | set(LAYERS) and _rank(layer) > mine:
            found.append(f"{module.path}:{line} {module.layer} imports {name}, which comes later")
    return found


def _rank(layer: str) -> int:
    return LAYERS.index(layer) if layer in LAYERS else -1


def homeless(module: Module) -> list[str]:
    """Return a fault when the module lies in no known layer."""
    known = BASE | set(LAYERS) | {"__init__", "__main__"}
    return [] if module.layer in known else [f"{module.path} is in no layer of the picture"]


def trespasses(module: Module) -> list[str]:
    """Return uses of a dangerous thing outside its owner."""
    found = []
    for line, name in uses(module.tree):
        for thing, owners in OWNERS.items():
            if (name == thing or name.startswith(f"{thing}.")) and not module.path.startswith(owners):
                found.append(f"{module.path}:{line} {name}: {thing} belongs to {', '.join(owners) or 'nobody'}")
    return found


def heavy_imports(module: Module) -> list[str]:
    """Return libraries that are loaded when the module is, though `doit list` must start in 0.3 s."""
    return [
        f"{module.path}:{node.lineno} loads {name} with the module"
        for node in module.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)])
        if name.split(".")[0] in HEAVY
    ]


RULES = [backward_imports, homeless, trespasses, heavy_imports]


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps_its_shape(rule: object) -> None:
    """Every module obeys every rule."""
    assert callable(rule)
    assert [fault for module in modules() for fault in rule(module)] == []


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (backward_imports, "decisions/plan.py", "from vya_backup.jobs import backup"),
        (backward_imports, "errors.py", "def f():\n    import vya_backup.settings.model"),
        (backward_imports, "history/x.py", "from vya_backup.decisions.manifest import Manifest"),
        (homeless, "tools/x.py", ""),
        (trespasses, "jobs/backup.py", "import subprocess"),
        (trespasses, "jobs/backup.py", "def f():\n    from subprocess import run"),
        (trespasses, "jobs/backup.py", "import os as o\no.kill(1, 9)"),
        (trespasses, "jobs/backup.py", "import sqlite3"),
        (trespasses, "engines/sqlite/files.py", "import sqlite3"),
        (trespasses, "jobs/prune.py", "path.unlink()"),
        (trespasses, "jobs/prune.py", "draft.replace(final)"),
        (trespasses, "jobs/prune.py", "from os import unlink"),
        (trespasses, "jobs/prune.py", "import shutil\nshutil.rmtree(folder)"),
        (trespasses, "decisions/slots.py", "from datetime import datetime as d\nd.now()"),
        (trespasses, "decisions/slots.py", "import datetime\ndatetime.date.today()"),
        (trespasses, "jobs/backup.py", "from time import monotonic"),
        (trespasses, "jobs/discovery.py", "import sqlalchemy as sa\nsa.create_engine(url)"),
        (trespasses, "engines/mysql/x.py", "def f():\n    from pymysql import connect"),
        (trespasses, "jobs/backup.py", "from doit.task import Task"),
        (heavy_imports, "jobs/backup.py", "from rich.table import Table"),
    ],
)
def test_a_planted_violation_is_found(rule: object, path: str, source: str) -> None:
    """Each rule has been seen to fail."""
    assert callable(rule)
    assert len(rule(parsed(path, source))) >= 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("jobs/prune.py", "store.unlink(path)\nself.store.unlink(path)"),
        ("jobs/prune.py", "text.replace('a', 'b')\ndataclasses.replace(x, a=1)\nmoment.replace(hour=1)"),
        ("decisions/slots.py", "from vya_backup import clock\nclock.now()"),
        ("history/views.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sqlite3"),
        (
            "engines/mysql/x.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sqlalchemy import Connection",
        ),
    ],
)
def test_what_is_allowed_is_not_found(path: str, source: str) -> None:
    """Doors of the owners, text and time arithmetic, and types are no violations."""
    assert [fault for rule in RULES for fault in rule(parsed(path, source))] == []
