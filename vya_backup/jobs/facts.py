"""The facts of one dump as its sidecar and its events say them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from vya_backup.clock import rfc3339
from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.metadata import Sidecar, needs_as_json
from vya_backup.engines.answers import Server, Survey
from vya_backup.engines.tools import Client
from vya_backup.history.event import Process
from vya_backup.history.events import Dumped, RecordedGap, Started
from vya_backup.jobs.planning import Planned
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.liveness import this_process
from vya_backup.transport.pipeline import Streamed


@dataclass(frozen=True)
class DumpFacts:
    """Everything known about a dump when its last byte is on the disk."""

    backup_id: str
    planned: Planned
    started_at: datetime
    client: Client
    server: Server
    survey: Survey
    streamed: Streamed
    level: int | str


def started_event(
    workspace: Workspace, planned: Planned, backup_id: str, attempt: int, banners: tuple[str, str]
) -> Started:
    """Return the event that names the final path before the first byte; `banners` are the client's and the server's."""
    client, server = banners
    return Started(
        instance=planned.key.instance,
        database=planned.key.database,
        backup_id=backup_id,
        engine=planned.instance.type,
        path=planned.artifact.dump,
        shape=planned.shape,
        slot_start=planned.slot.start,
        slot_end=planned.slot.end,
        reason=planned.decision.reason,
        attempt=attempt,
        process=process_of(workspace),
        client=client,
        server=server,
    )


def process_of(workspace: Workspace) -> Process:
    """Return who is at work, so that a later run can tell whether it still is."""
    return Process(**asdict(this_process(workspace.configuration.application.host())))


def sidecar_of(workspace: Workspace, facts: DumpFacts) -> Sidecar:
    """Return what the metadata sidecar says, with the chain's head as it is now."""
    planned, streamed, head = facts.planned, facts.streamed, workspace.catalog.head()
    return Sidecar(
        backup_id=facts.backup_id,
        instance=planned.key.instance,
        database=planned.key.database,
        engine=planned.instance.type,
        hostname=workspace.configuration.application.host(),
        started_at=facts.started_at.astimezone(workspace.schedule.zone).isoformat(),
        duration_seconds=streamed.duration_seconds,
        filename=planned.artifact.file,
        size_bytes=streamed.stored_bytes,
        sha256=streamed.stored_sha256,
        md5=streamed.md5 or "",
        plain_bytes=streamed.plain_bytes,
        plain_sha256=streamed.plain_sha256,
        compression=workspace.configuration.backup.compression,
        compression_level=facts.level,
        client=facts.client.banner,
        server=facts.server.banner,
        shape=planned.shape,
        slot_start=rfc3339(planned.slot.start),
        slot_end=rfc3339(planned.slot.end),
        manifest=streamed.observation.manifest,
        needs=replace(facts.survey.needs, client_version=facts.client.version),
        properties=facts.survey.properties,
        gaps=tuple(asdict(gap) for gap in facts.survey.gaps),
        unprotected=facts.survey.unprotected,
        chain={"catalog_id": head.catalog_id, "position": head.position, "hash": head.hash},
    )


def dumped_event(sidecar: Sidecar, path: str, metadata: bytes, stderr: str = "") -> Dumped:
    """Return the event of a published dump; `metadata` are the bytes of its sidecar."""
    manifest = sidecar.manifest
    return Dumped(
        instance=sidecar.instance,
        database=sidecar.database,
        backup_id=sidecar.backup_id,
        path=path,
        size_bytes=sidecar.size_bytes,
        plain_bytes=sidecar.plain_bytes,
        sha256=sidecar.sha256,
        plain_sha256=sidecar.plain_sha256,
        md5=sidecar.md5 or None,
        compression=sidecar.compression,
        duration_seconds=sidecar.duration_seconds,
        consistent=not sidecar.unprotected,
        unprotected=tuple(sidecar.unprotected),
        gaps=tuple(RecordedGap(**gap) for gap in sidecar.gaps),
        counts=_counts(manifest),
        rows=manifest.total_rows(),
        rows_exact=manifest.rows_exact,
        schema_hash=manifest.schema_hash,
        metadata_sha256=hashlib.sha256(metadata).hexdigest(),
        client=sidecar.client,
        server=sidecar.server,
        stderr=stderr,
        needs={name: value for name, value in needs_as_json(sidecar.needs).items() if value},
    )


def _counts(manifest: Manifest) -> dict[str, int]:
    return {kind: len(names) for kind, names in sorted(manifest.objects.items())}
