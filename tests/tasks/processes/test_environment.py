"""Prefect's settings: known to Prefect, taken up by it, and safe from the user's own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings.legacy import _get_valid_setting_names
from prefect.settings.models.root import Settings as PrefectSettings

from clinic.settings import Settings
from tasks.processes.environment import (
    GUARDS,
    TUNING,
    apply_environment,
    as_file,
    child_environment,
    prefect_environment,
)

SEEN_BY_PREFECT = """
import json, logging, sys
from pathlib import Path
from clinic.settings import Settings
from tasks.processes.environment import apply_environment
apply_environment(Settings(home=Path(sys.argv[1]), prefect_port=4391))
from prefect.logging.configuration import setup_logging
from prefect.settings import get_current_settings
setup_logging()  # as Prefect does when a run, a server or a worker starts
seen = get_current_settings()
services = seen.server.services
handlers = {h for l in logging.root.manager.loggerDict.values() for h in getattr(l, "handlers", [])}
print(json.dumps({
    "home": str(seen.home),
    "api": seen.api.url,
    "analytics": seen.server.analytics_enabled,
    "ephemeral": seen.server.ephemeral.enabled,
    "recorder": services.task_run_recorder.batch_size,
    "persister": services.event_persister.batch_size,
    "leases": seen.server.concurrency.lease_storage.rsplit(".")[-1],
    "interface": seen.server.ui.v2_enabled,
    "vacuum": sorted(services.db_vacuum.enabled),
    "runs_kept": services.db_vacuum.retention_period.days,
    "events_kept": seen.server.events.retention_period.total_seconds(),
    "heartbeat": seen.flows.heartbeat_frequency,
    "handlers": len(handlers),
    "unfiltered": [
        type(h).__name__ for h in {*handlers, *logging.root.handlers}
        if "PatientDataFilter" not in [type(f).__name__ for f in h.filters]
    ],
}))
"""


def test_prefect_takes_up_every_setting_and_filters_every_handler(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", SEEN_BY_PREFECT, str(home)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PREFECT_API_URL": "https://elsewhere.example/api", "PREFECT_HOME": "/x"},
    )  # fmt: skip
    seen = json.loads(done.stdout)
    assert seen.pop("handlers") >= 3
    assert seen == {
        "home": str(home / "prefect"),
        "api": "http://127.0.0.1:4391/api",
        "analytics": False,
        "ephemeral": False,
        "recorder": 200,
        "persister": 200,
        "leases": "filesystem",
        "interface": False,
        "vacuum": ["events", "flow_runs"],
        "runs_kept": 14,
        "events_kept": 1800.0,
        "heartbeat": 30,
        "unfiltered": [],
    }


def test_prefect_knows_every_setting_by_its_name() -> None:
    """A name that Prefect does not know is silently without effect."""
    ours = {name for name in {**TUNING, **GUARDS} if name.startswith("PREFECT_")}
    assert ours - _get_valid_setting_names(PrefectSettings) == set()


def test_an_administrators_tuning_wins_and_the_guards_do_not_yield(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE", "500")
    monkeypatch.setenv("PREFECT_LOGGING_LOG_PRINTS", "true")
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    environment = prefect_environment(Settings(home=tmp_path))
    assert environment["PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE"] == "500"
    assert environment["PREFECT_LOGGING_LOG_PRINTS"] == "false"
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_a_named_server_is_used_and_none_is_configured_here(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, prefect_api_url="https://prefect.example/api")
    environment = prefect_environment(settings)
    assert environment["PREFECT_API_URL"] == "https://prefect.example/api"
    assert "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in environment
    assert "PREFECT_SERVER_API_PORT" not in environment


def test_a_production_database_is_used_where_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = "postgresql+asyncpg://prefect@db/prefect"
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", url)
    environment = prefect_environment(Settings(home=tmp_path))
    assert environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == url


def test_settings_that_come_too_late_are_refused(tmp_path: Path) -> None:
    # This module imports prefect, so Prefect has read its settings
    with pytest.raises(RuntimeError, match="before anything imports prefect"):
        apply_environment(Settings(home=tmp_path, prefect_port=4399))


PROXIES = {"HTTP_PROXY": "http://p:1", "all_proxy": "socks5://p:1", "NO_PROXY": "intranet.example"}


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("", set()),
        ("http://127.0.0.2:4200/api", set()),
        ("http://localhost:4200/api", set()),
        ("http://[::1]:4200/api", set()),
        ("https://prefect.practice.example/api", {"HTTP_PROXY", "all_proxy"}),
    ],
)
def test_a_server_on_this_machine_is_asked_without_any_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, kept: set[str]
) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in PROXIES.items():
        monkeypatch.setenv(name, value)
    environment = child_environment(Settings(home=tmp_path, prefect_api_url=url))
    proxies = {name for name in environment if name.lower().endswith("_proxy")}
    assert proxies - {"NO_PROXY", "no_proxy"} == kept
    assert environment["no_proxy"] == "intranet.example,127.0.0.1,localhost,::1"


def test_temporary_files_are_in_the_home_whatever_the_account_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Server, worker and runs; a folder in the shared one may be another account's."""
    monkeypatch.setenv("TMPDIR", "/tmp")
    temporary = Path(child_environment(Settings(home=tmp_path))["TMPDIR"])
    assert temporary == tmp_path / "prefect" / "tmp"
    assert temporary.stat().st_mode & 0o077 == 0


def test_a_child_finds_this_installation_from_any_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cohort.toml").write_text("")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = child_environment(Settings(home=Path("relative")))
    assert environment["COHORT_HOME"] == str(tmp_path / "relative")
    assert environment["COHORT_CONFIG"] == str(tmp_path / "cohort.toml")
    assert environment["PREFECT_HOME"] == str(tmp_path / "relative" / "prefect")
    assert "PYTHONDONTWRITEBYTECODE" not in environment


def test_the_environment_can_be_written_for_a_supervisor(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tasks.processes.environment"],
        capture_output=True, text=True, check=True,
        env={**os.environ, "COHORT_HOME": str(tmp_path), "COHORT_PREFECT_PORT": "4391"},
    )  # fmt: skip
    lines = dict(shlex.split(line)[0].split("=", 1) for line in done.stdout.splitlines())
    wanted = prefect_environment(Settings(home=tmp_path, prefect_port=4391))
    assert {name: lines.get(name) for name in wanted} == wanted
    assert lines["COHORT_HOME"] == str(tmp_path)


def test_the_file_for_a_supervisor_says_which_installation_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without home and settings file a worker under systemd would find no record, or another's."""
    config = tmp_path / "cohort.toml"
    config.write_text("")
    monkeypatch.setenv("COHORT_CONFIG", str(config))
    hill = Settings(home=tmp_path / "home", organisation={"name": "Hill Surgery"})  # type: ignore[arg-type]
    lines = as_file(hill).splitlines()
    assert f"COHORT_HOME={tmp_path / 'home'}" in lines
    assert f"COHORT_CONFIG={config}" in lines
    assert 'COHORT_LOG_PRACTICE="Hill Surgery"' in lines


def test_a_deployment_by_hand_runs_by_the_same_clock(tmp_path: Path) -> None:
    """`prefect deploy --all` would take UTC where a time zone is empty."""
    reminders = {"at": "07:05", "time_zone": "Europe/Paris"}
    here = Settings(home=tmp_path / "home", reminders=reminders)  # type: ignore[arg-type]
    lines = as_file(here).splitlines()
    for line in (
        "COHORT_TIME_ZONE=Europe/London",
        'COHORT_REMIND_AT="5 7 * * *"',
        "COHORT_REMIND_ZONE=Europe/Paris",
    ):
        assert line in lines
    assert not (tmp_path / "home" / "record.db").exists()
