"""The real monitoring of a distribution reads what a run leaves, wakes somebody up, and lets them sleep again."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.observatory import folder_for_all, program, prometheus_over, started
from tests.project import CONFIGURATION, Project, new_project
from vya_backup.resources import resource


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that the programs' own account may enter."""
    with folder_for_all() as folder:
        yield folder


def project_of(tmp_path: Path, settings: str) -> Project:
    """A project with the databases `shop` and `crm` and these settings of `monitoring.prometheus`."""
    made = new_project(tmp_path, f"{CONFIGURATION}monitoring: {{prometheus: {{{settings}}}}}\n")
    for name in ("shop", "crm"):
        made.execute(name, "CREATE TABLE t (a)")
    return made


def test_the_alerts_behave_as_their_tests_say() -> None:
    """promtool plays days and weeks through each of them."""
    for words in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        done = subprocess.run(
            [program("promtool"), *words],
            cwd=resource("config/prometheus"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    """And is silent in another moment of one."""
    alerts = re.findall(r"- alert: (\w+)", resource("config/prometheus/alerts.yml").read_text())
    text = resource("config/prometheus/alerts_test.yml").read_text()
    fires = set(re.findall(r"alertname: (\w+)\n +exp_alerts:", text))
    silent = set(re.findall(r"alertname: (\w+)\n(?! +exp_alerts)", text))
    assert fires == set(alerts)
    assert silent == set(alerts)


def test_overdue_and_failed_fire_and_resolve_in_a_real_prometheus(tmp_path: Path, shared: Path) -> None:
    """From a file that is no database any more to a good backup of it, as the exporter's own account sees it."""
    textfiles = shared / "textfiles"
    textfiles.mkdir(mode=0o755)
    project = project_of(tmp_path, f"textfile: {textfiles}/vya_backup.prom")
    whole = project.database("shop").read_bytes()
    project.database("shop").write_bytes(b"SQLite format 3\0" + b"\0" * 5000)
    assert project.run("backup").status == 1
    with prometheus_over(textfiles, shared) as prometheus:
        of_shop = {("VyaBackupOverdue", "shop"), ("VyaBackupFailed", "shop")}
        prometheus.wait(lambda: prometheus.firing() >= of_shop, "overdue and failed")
        assert {name for name, database in prometheus.firing() if database == "crm"} <= {"VyaBackupNeverDrilled"}
        assert prometheus.value("node_textfile_scrape_error") == 0
        assert prometheus.value('vya_backup_executions_total{database_id="local",status="success"}') == 1
        assert prometheus.value("vya_backup_last_run_exit_status") == 1
        assert not [name for name, _ in prometheus.firing() if "Exporter" in name or "Chain" in name]

        project.database("shop").write_bytes(whole)
        assert project.run("backup").status == 0
        prometheus.wait(lambda: not prometheus.firing() & of_shop, "both are resolved")
        assert prometheus.value("vya_backup_last_run_exit_status") == 0
        assert prometheus.value('vya_backup_executions_total{database_id="local",status="success"}') == 2

        for expression in dashboard_expressions():
            prometheus.ask(expression)

        (textfiles / "vya_backup.prom").unlink()
        absent = ("VyaBackupExporterAbsent", "")
        prometheus.wait(lambda: absent in prometheus.firing(), "absent")
        assert project.run("metrics").status == 0
        prometheus.wait(lambda: absent not in prometheus.firing(), "there again")


def test_a_real_pushgateway_takes_the_metrics(tmp_path: Path, shared: Path) -> None:
    """Under the job of this host, and again at the next run."""
    with started("prometheus-pushgateway", shared, "--persistence.file=") as pushgateway:
        project = project_of(tmp_path, f"pushgateway_url: '{pushgateway.url}'")
        assert project.run("backup").status == 0
        assert pushed(pushgateway.get("/metrics"), "executions_total", 'status="success"') == 2
        assert project.run("backup", "--force").status == 0
        assert pushed(pushgateway.get("/metrics"), "executions_total", 'status="success"') == 4
        assert project.events("type = 'failed'") == []


def pushed(text: str, name: str, label: str) -> float:
    """Return the value of the one sample of a metric that has the label, of the job that was configured."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"vya_backup_{name}{{") and label in line]
    assert 'job="vya-backup-testhost"' in line
    return float(line.rpartition(" ")[2])


def dashboard_expressions() -> list[str]:
    """Return what the dashboard asks, of all instances."""
    panels = json.loads(resource("config/grafana/dashboard.json").read_text())["panels"]
    return [target["expr"].replace("$database_id", ".*") for panel in panels for target in panel["targets"]]
