"""The monitoring of Debian's packages, on loopback and not as root: node_exporter, Prometheus, Pushgateway."""

from __future__ import annotations

import json
import re
import shutil
import signal
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.servers.daemon import Daemon, free_port, give, unprivileged
from vya_backup.resources import resource

PATIENCE_LOOKS = 900  # of a tenth of a second each, which a busy machine may need
ANSWER_SECONDS = 10


def program(name: str) -> str:
    """Return where a program lies; a missing one is a failure with the line that mends it, never a skip."""
    found = shutil.which(name)
    assert found, f"{name} is missing. Run as root: apt-get install -y --no-install-recommends {name}"
    return found


class Service:
    """One running program with its address."""

    def __init__(self, name: str, folder: Path, *arguments: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        listen = f"--web.listen-address={self.url.removeprefix('http://')}"
        self.daemon = Daemon(
            [program(name), listen, *arguments],
            unprivileged("prometheus"),
            folder / f"{name}.log",
            stop_signal=signal.SIGTERM,
            death_signal="KILL",
        )

    def get(self, path: str) -> str:
        """Return the body of a page."""
        with urllib.request.urlopen(self.url + path, timeout=ANSWER_SECONDS) as answer:
            return str(answer.read().decode())

    def answers(self, path: str) -> bool:
        """Say whether it has a page."""
        try:
            return bool(self.get(path))
        except OSError:
            return False

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds; that the program ended, or patience, ends it too."""
        for _ in range(PATIENCE_LOOKS):
            if condition():
                return
            self.daemon.waited()
        raise AssertionError(f"never came: {what}")


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """Give a folder that the account of the programs may enter, unlike those of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="vya-monitoring-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def started(name: str, folder: Path, *arguments: str, ready: str = "/metrics") -> Iterator[Service]:
    """Start a program and wait until it has the page that tells that it is ready; it ends with the block."""
    service = Service(name, folder, *arguments)
    service.daemon.start()
    try:
        service.wait(lambda: service.answers(ready), f"{name} is ready")
        yield service
    finally:
        service.daemon.stop()


class Prometheus:
    """A Prometheus that scrapes each second and waits for no alert to last."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of a query."""
        return list(self._api(f"query?query={quote(expression)}")["result"])

    def value(self, expression: str) -> float | None:
        """Return the one value of a query, None while there is none."""
        found = self.ask(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[tuple[str, str]]:
        """Return the alerts that fire, with the database that each is about."""
        alerts = [alert for alert in self._api("alerts")["alerts"] if alert["state"] == "firing"]
        return {(alert["labels"]["alertname"], alert["labels"].get("database_name", "")) for alert in alerts}

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds."""
        self.service.wait(condition, what)

    def _api(self, path: str) -> dict[str, Any]:
        answer = json.loads(self.service.get(f"/api/v1/{path}"))
        assert answer["status"] == "success", answer
        return dict(answer["data"])


@contextmanager
def prometheus_over(textfiles: Path, folder: Path) -> Iterator[Prometheus]:
    """Start node_exporter over a folder of textfiles, and a Prometheus with our alerts over that."""
    with ExitStack() as stack:
        exporter = stack.enter_context(
            started(
                "prometheus-node-exporter",
                folder,
                "--collector.disable-defaults",
                "--collector.textfile",
                f"--collector.textfile.directory={textfiles}",
            )
        )
        settings = _settings(folder, exporter.url.removeprefix("http://"))
        data = folder / "data"
        data.mkdir()
        give(data, unprivileged("prometheus"))
        arguments = (f"--config.file={settings}", f"--storage.tsdb.path={data}")
        yield Prometheus(stack.enter_context(started("prometheus", folder, *arguments, ready="/-/ready")))


def _settings(folder: Path, target: str) -> Path:
    """Write a configuration, and our own rules with nothing changed but how long they wait."""
    rules = resource("config/prometheus/alerts.yml").read_text()
    (folder / "alerts.yml").write_text(re.sub(r"^( +for:) \S+$", r"\1 0s", rules, flags=re.M))
    jobs = [{"job_name": "node", "static_configs": [{"targets": [target]}]}]
    often = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    settings = {"global": often, "rule_files": [str(folder / "alerts.yml")], "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    return folder / "prometheus.yml"
