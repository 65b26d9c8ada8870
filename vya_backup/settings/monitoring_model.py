"""The `monitoring` section: what machines look at."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from vya_backup.settings.section import Section


class Prometheus(Section):
    """The textfile for node_exporter, and an optional Pushgateway."""

    enabled: bool = True
    textfile: Path | None = None
    pushgateway_url: str = ""
    job_name: str = "vya-backup-{hostname}"
    push_interval: int | None = None

    @field_validator("textfile")
    @classmethod
    def _is_read_by_node_exporter(cls, path: Path | None) -> Path | None:
        if path is not None and path.suffix != ".prom":
            raise ValueError("must end in .prom: node_exporter's textfile collector reads no other file")
        return path

    @field_validator("pushgateway_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not url:
            return url
        try:
            parts = urlsplit(url)
            is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError("must be an address such as https://prometheus.example.org/pushgateway")
        return url

    @property
    def is_wanted(self) -> bool:
        """Say whether metrics are to be written or pushed after each run."""
        return self.enabled and (self.textfile is not None or bool(self.pushgateway_url))

    def job(self, hostname: str) -> str:
        """Return the job that metrics are pushed as."""
        return self.job_name.replace("{hostname}", hostname)


class HealthCheck(Section):
    """The HTTP health endpoint."""

    enabled: bool = False
    port: int = Field(default=8080, ge=1, le=65535)
    path: str = "/health"


class OpenTelemetry(Section):
    """Where traces of runs go: the base address of a collector that takes OTLP over HTTP."""

    endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")


class Monitoring(Section):
    """What machines look at."""

    prometheus: Prometheus = Prometheus()
    health_check: HealthCheck = HealthCheck()
    opentelemetry: OpenTelemetry = OpenTelemetry()
