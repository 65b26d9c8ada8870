"""The `monitoring` and `notifications` sections: what machines look at and who is told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from vya_backup.settings.section import Section


class Prometheus(Section):
    """The textfile for node_exporter, and an optional Pushgateway."""

    enabled: bool = True
    textfile: Path | None = None
    pushgateway_url: str = ""
    job_name: str = "vya-backup-{hostname}"
    push_interval: int | None = None


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


class EmailTemplates(Section):
    """Template files for the two kinds of mail."""

    success: str = "backup_success.html"
    error: str = "backup_error.html"


class Email(Section):
    """Mail to people."""

    enabled: bool = False
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    use_tls: bool = True
    from_address: str = ""
    success_recipients: tuple[str, ...] = ()
    error_recipients: tuple[str, ...] = ()
    templates: EmailTemplates = EmailTemplates()


class Notifications(Section):
    """Who is told."""

    email: Email = Email()
