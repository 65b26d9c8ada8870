"""`doit catalog publish`, `merge` and `export`: what readers, the fleet and a SIEM get of the catalog."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from vya_backup.command_line.commands import JSON, show
from vya_backup.command_line.options import option
from vya_backup.command_line.session import configured, looking
from vya_backup.errors import UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.history.exporting import exported
from vya_backup.jobs.merging import merge
from vya_backup.jobs.publishing import publish
from vya_backup.transport.storage import Store

PATIENCE_SECONDS = 5.0

PUBLISH_OPTIONS = (JSON,)
MERGE_OPTIONS = (
    JSON,
    option("output", "the merged catalog; what it lacks is added when it exists"),
    option("into", "the same as --output"),
)
EXPORT_OPTIONS = (
    option("since", "the position of the last event that is there already", default=0, type=int),
    option("output", "a new file; without it, standard output"),
    option("catalog", "a published copy or a merged catalog instead"),
    option("chain", "the chain to export: the id of a catalog (default: this one's own)"),
)


def publish_catalog(options: Mapping[str, Any]) -> int:
    """Bring the published copy up to date."""
    with looking() as workspace:
        done = publish(workspace, PATIENCE_SECONDS)
    values = {"path": str(done.path), "added": done.added, "position": done.position, "new": done.is_new}
    return show(options, lambda: values, lambda: [done.line()])


def merge_catalogs(options: Mapping[str, Any]) -> int:
    """Make one catalog of many, or add to it what is new in them."""
    said = {str(options[name]) for name in ("output", "into") if options[name]}
    if len(said) != 1:
        raise UsageError("catalog merge needs one file to write", "Say it with --output FILE.")
    group = configured().configuration.catalog.reader_group
    merged = merge([Path(name) for name in options["names"]], Path(said.pop()), group)
    return show(options, merged.as_json, merged.lines)


def export_events(options: Mapping[str, Any]) -> int:
    """Write events as JSON lines."""
    since = int(options["since"])
    if since < 0:
        raise UsageError(f"there is no position {since}", "Positions are counted from 1; --since 0 is the beginning.")
    with (
        _catalog(str(options["catalog"])) as catalog,
        closing(exported(catalog, since, str(options["chain"]))) as lines,
    ):
        if not options["output"]:
            sys.stdout.writelines(lines)
            return 0
        target = Path(options["output"]).absolute()
        with Store(target.parent).draft(target.name) as draft:
            for line in lines:
                draft.write(line.encode())
            draft.publish(numbered=False)
    return 0


@contextmanager
def _catalog(path: str) -> Iterator[Catalog]:
    if path:
        with closing(Catalog.open_copy(Path(path))) as catalog:
            yield catalog
    else:
        with looking() as workspace:
            yield workspace.catalog
