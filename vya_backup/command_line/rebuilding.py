"""`doit catalog rebuild`: a lost catalog is made beside its place, and gets its name when everything was read again."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from vya_backup import __version__
from vya_backup.command_line.catalog_actions import (
    EXPORT_OPTIONS,
    MERGE_OPTIONS,
    PUBLISH_OPTIONS,
    export_events,
    merge_catalogs,
    publish_catalog,
)
from vya_backup.command_line.commands import JSON, show
from vya_backup.command_line.options import option
from vya_backup.command_line.questioning import ask_catalog, ask_options
from vya_backup.command_line.serving import OPTIONS as SERVING
from vya_backup.command_line.serving import serve
from vya_backup.command_line.session import configured, demand_configuration, opened, wired
from vya_backup.command_line.two_words import TwoWord, Word
from vya_backup.decisions.copies import FOLDER, folder_of
from vya_backup.errors import BackupError, CatalogError, ConfigurationError, UsageError
from vya_backup.history.recovering import complete
from vya_backup.history.run_events import RunStarted
from vya_backup.jobs.copies import CopyFolder, folders
from vya_backup.jobs.copying import COMPANIONS, LOCK, copy_out, forget_rebuild, rebuild_draft
from vya_backup.jobs.rebuilding import Hindsight, Rebuilt, settle
from vya_backup.jobs.recovering import Recovered, recover
from vya_backup.jobs.tree import Tree, survey
from vya_backup.log.heard import say, while_heard
from vya_backup.settings.loading import Loaded, state_folder
from vya_backup.settings.model import Configuration
from vya_backup.transport.locks import hold
from vya_backup.transport.storage import Store
from vya_backup.transport.storage.placing import put_in_place

COMMAND = "doit catalog rebuild"


def rebuild(options: Mapping[str, Any]) -> int:
    """Make the catalog again from its copies, or from the sidecars where there are none."""
    loaded = demand_configuration(configured())
    path = loaded.configuration.catalog.path
    if path is None:  # `load` always sets it
        raise ConfigurationError("catalog.path is not set", "Set it in the configuration.")
    _refuse_existing(path)
    with hold(state_folder(loaded.configuration) / "locks", LOCK, COMMAND):
        rebuilt = _rebuild(loaded, path, str(options["from"]))
    with opened(loaded, read_only=False) as workspace, suppress(BackupError):  # `opened` tries again, and tells
        copy_out(workspace)
    with while_heard(sys.stdout):
        show(options, rebuilt.as_json, lambda: [*rebuilt.lines(), f"{path} is in its place"])
    return 0 if rebuilt.ok else 1


def _rebuild(loaded: Loaded, path: Path, said: str) -> Rebuilt:
    configuration = loaded.configuration
    store, host = Store(configuration.storage.base_path), configuration.application.host()
    copies = _copies_in(Path(said), host) if said else folders(store, folder_of(host))
    tree = survey(store, host)
    if not copies and not tree.witnesses:
        raise CatalogError(
            f"there is nothing to make a catalog from below {store.base_path}",
            "Set storage.base_path to the tree of backups, or say where copies are: --from FOLDER.",
        )
    with _draft(path) as draft:
        recovered = recover(copies, tree, draft)
        rebuilt = _settled(loaded, draft, recovered, tree)
        complete(draft)
        put_in_place(draft, path)
    return rebuilt


def _settled(loaded: Loaded, draft: Path, recovered: Recovered, tree: Tree) -> Rebuilt:
    past = Hindsight()
    with wired(_at(loaded, draft), read_only=False, now=past) as workspace:
        environment = loaded.configuration.application.environment
        started = RunStarted(
            command=COMMAND, version=__version__, environment=environment, config_path=str(loaded.path or "")
        )
        with workspace.catalog.run(started) as run:
            rebuilt = settle(workspace, recovered, tree, past, _tell)
            run.finish(0 if rebuilt.ok else 1, {"ok": rebuilt.good, "failed": len(rebuilt.faults)})
    return rebuilt


def _at(loaded: Loaded, path: Path) -> Loaded:
    configuration: Configuration = loaded.configuration
    catalog = configuration.catalog.model_copy(update={"path": path})
    return replace(loaded, configuration=configuration.model_copy(update={"catalog": catalog}))


def _refuse_existing(path: Path) -> None:
    """Refuse a place where anything of a catalog is left: a stale log beside a new file would be poured into it."""
    for file in (path.with_name(path.name + suffix) for suffix in COMPANIONS):
        if file.exists():
            raise CatalogError(
                f"{file} exists, and an existing catalog is never overwritten",
                f"If it is of no use, move it away first, with its companions: {path}-wal, {path}-shm.",
            )


def _copies_in(folder: Path, host: str) -> list[CopyFolder]:
    """Return the copies in a folder that was named: a tree of backups, a host's part of one, or `@catalog` itself."""
    top = folder.absolute()
    for place in (top / folder_of(host), top / FOLDER, top):
        if found := folders(Store(place.parent), place.name):
            return found
    raise UsageError(
        f"there are no copies of a catalog in {folder}",
        f"Name a tree of backups, or the folder {FOLDER} in it; without --from, {folder_of(host)} is taken.",
    )


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Give a name beside the catalog's place; whatever is left under it, by a crash too, is removed."""
    forget_rebuild(path)
    try:
        yield rebuild_draft(path)
    finally:
        forget_rebuild(path)


def _tell(text: str) -> None:
    say(text, sys.stderr)


class CatalogCommand(TwoWord):
    """The catalog itself."""

    name = "catalog"
    doc_purpose = "publish, merge, export, ask or show the catalog, or make a lost one again"
    words = {  # noqa: RUF012 - a constant, read only
        "publish": Word("Write the copy that others may read.", publish_catalog, PUBLISH_OPTIONS),
        "merge": Word("Put several hosts' published copies into one.", merge_catalogs, MERGE_OPTIONS, names="OTHER..."),
        "export": Word("Print events as JSON lines.", export_events, EXPORT_OPTIONS, only_looks=True),
        "ask": Word("Answer one of the questions that auditors ask.", ask_catalog, ask_options(), only_looks=True),
        "rebuild": Word(
            "Make a lost catalog again from its copies, or from what lies beside the backups.",
            rebuild,
            (JSON, option("from", "the tree, or folder @catalog, that holds the copies")),
        ),
        "serve": Word("Show a published copy in the browser, to read only.", serve, SERVING),
    }
