"""
Prefect's settings, as this installation needs them.

Prefect reads its settings while it is being imported, so a program calls `apply_environment`
first, and whatever it starts (server, worker, flow runs) inherits them. Nothing here imports
prefect. docs/prefect.md says why each is as it is, and what production sets otherwise.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from clinic.settings import Settings, load_settings
from tasks.processes import identity, log_file
from tasks.processes.home import ROOT as ROOT
from tasks.processes.home import prefect_home as prefect_home
from tasks.processes.login import ensure_login
from tasks.processes.proxies import drop_proxies, no_proxy

# A link to the one at the top of a clone, which a wheel would not have
DEPLOYMENTS = ROOT / "flows" / "prefect.yaml"
HEARTBEAT_SECONDS = 30

# An administrator's own environment wins over these
TUNING = {
    # Sizes are 1 by default: 50 ms of server CPU a task run, and above some 3,000 in a burst,
    # records are dropped. So: 15 ms, and none
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
    # Runs are kept for ever by default; for how many days here: prefect_keep_days
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "900",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ORPHAN_CLEANUP_LOOP_SECONDS": "3600",
    # Every 5 to 20 seconds by default: a fifth of what an idle server costs
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "30",
    # Each run tells a dozen events at least, of 1 to 8 KB with their copies. Automations hear them at once,
    # tasks/runs/silent_runs.py asks for the last minutes, and what matters is in the record and the log
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "PT30M",
    # In memory by default: a restarted server no longer knows who holds a deployment's slot, cancels
    # that run at its next renewal, and never frees the slot of one that died (docs/decisions/0021)
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # The first interface: the second asks amplitude.com for a configuration, whatever it is told
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # Thirty is the least; tasks/runs/silent_runs.py waits for three of them
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
    # Loading our tasks takes longer than the default on a small machine
    "PREFECT_RUNNER_POLL_FREQUENCY": "5",
    "PREFECT_WORKER_QUERY_SECONDS": "5",
}

# Python puts the folder it is started in before all others, and that is the practice's: one with a `flows/` or
# `tasks/` of its own would be run in the place of ours
OWN_CODE = {"PYTHONSAFEPATH": "1"}

# These are not a matter of taste: with another value patient data leaves, or the wrong server is used
GUARDS = {
    "PREFECT_LOGGING_CONFIG_PATH": str(Path(__file__).with_name("logging.yml")),
    "PREFECT_LOGGING_LOG_PRINTS": "false",
    "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # A server that lives inside a flow's process loses its runs and starts slower than it waits
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
}


def prefect_version() -> str:
    """The version of Prefect, without importing it."""
    return version("prefect")


def log_path(settings: Settings) -> Path:
    """The log of all of this installation's processes (tasks/processes/log_file.py)."""
    return settings.home.resolve() / "logs" / "cohort.log"


def api_url(settings: Settings) -> str:
    """Where Prefect's server answers."""
    return settings.prefect_api_url or f"http://127.0.0.1:{settings.prefect_port}/api"


def runs_address(settings: Settings, campaign_id: int) -> str:
    """Where a browser shows a campaign's runs; from each the page of its artifacts is one click away."""
    return f"{_ui_url(settings)}/runs?tag=campaign-{campaign_id}"


def _ui_url(settings: Settings) -> str:
    """
    Where a browser finds the server. Containers reach it by a name that no browser knows: then Prefect's own
    variable says it (tasks/deploy/compose.yaml). Our local server is where it is, whatever that variable says.
    """
    own = api_url(settings).removesuffix("/api")
    said = os.environ.get("PREFECT_UI_URL") if settings.prefect_api_url else None
    return (said or own).rstrip("/")


def prefect_environment(settings: Settings) -> dict[str, str]:
    """Every variable that a Prefect process of this installation needs, as it should be set."""
    kept = str(settings.prefect_keep_days * 24 * 3600)
    wanted = {**TUNING, "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": kept}
    tuning = {name: os.environ.get(name, value) for name, value in wanted.items()}
    places = {
        "PREFECT_HOME": str(prefect_home(settings)),
        "PREFECT_API_URL": api_url(settings),
        log_file.FILE: str(log_path(settings)),
        log_file.PRACTICE: settings.organisation.name,
        # In the shared folder for temporary files another account could put itself in the way
        "TMPDIR": str(prefect_home(settings) / "tmp"),
        **no_proxy(),
    }
    ours = _shared_server(settings) if settings.prefect_api_url else _local_server(settings)
    return {**tuning, **GUARDS, **places, **ours}


def _shared_server(settings: Settings) -> dict[str, str]:
    """What a server of the practice's own, and whoever asks it, must agree on."""
    login = settings.prefect_login.get_secret_value()
    return _guarded(login) if login else {}


def _guarded(login: str) -> dict[str, str]:
    """Whoever reaches the API can start runs: a login, and no form of another page (docs/prefect.md)."""
    return {
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_API_AUTH_STRING": login,
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }


def _local_server(settings: Settings) -> dict[str, str]:
    database = prefect_home(settings) / "prefect.db"
    login = ensure_login(prefect_home(settings))
    port = settings.prefect_port
    return {
        **_guarded(login),
        # No page of another origin
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port},http://localhost:{port}",
        # By environment and not by --port, or the interface would look for the API on 4200
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(settings.prefect_port),
        "PREFECT_UI_API_URL": api_url(settings),
        "PREFECT_UI_URL": _ui_url(settings),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": os.environ.get(
            "PREFECT_SERVER_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{database}"
        ),
    }


def apply_environment(settings: Settings) -> None:
    """
    Set the variables in this process and for all that it starts.

    Raises:
        RuntimeError: prefect was imported before, and has read other settings
    """
    wanted = prefect_environment(settings)
    changed = {name for name, value in wanted.items() if os.environ.get(name) != value}
    if changed and "prefect" in sys.modules:
        raise RuntimeError("call apply_environment before anything imports prefect")
    # Prefect would make the last folder only
    _make_folders(settings)
    os.environ.update(wanted)
    drop_proxies(api_url(settings))
    tempfile.tempdir = None  # read again


def by_the_clock(settings: Settings) -> dict[str, str]:
    """When what has a schedule runs, for prefect.yaml: in the organisation's time zone, or as is set."""
    hour, _, minute = settings.reminders.at.partition(":")
    zone = settings.organisation.time_zone
    return {
        "COHORT_TIME_ZONE": zone,
        "COHORT_REMIND_AT": f"{int(minute)} {int(hour)} * * *",
        "COHORT_REMIND_ZONE": settings.reminders.time_zone or zone,
    }


def child_environment(settings: Settings) -> dict[str, str]:
    """
    The environment of a server or worker: ours, with this installation's places made absolute,
    since a flow run starts in a directory of its own.
    """
    environment = {**os.environ, **prefect_environment(settings), **OWN_CODE}
    environment["COHORT_HOME"] = str(settings.home.resolve())
    config = Path(os.environ.get("COHORT_CONFIG", "cohort.toml"))
    if config.exists():
        environment["COHORT_CONFIG"] = str(config.resolve())
    if base := os.environ.get("COHORT_BASE"):
        environment["COHORT_BASE"] = str(Path(base).resolve())
    _make_folders(settings)
    drop_proxies(api_url(settings), environment)
    # What they do is in the log; what nobody may overlook is also where whoever started them looks
    environment.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    # Every flow run is a process: without bytecode its imports cost twice as much
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _make_folders(settings: Settings) -> None:
    for folder in (prefect_home(settings), prefect_home(settings) / "tmp"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def as_file(settings: Settings) -> str:
    """
    The variables as a file for a supervisor (systemd's EnvironmentFile, Docker's --env-file).

    Those that say which installation it is come with them: without them a unit would find another record.
    """
    whole = child_environment(settings)
    own = {name: whole[name] for name in _WHICH if name in whole} | _of_deployments(settings)
    wanted = {**own, **prefect_environment(settings), **OWN_CODE}
    # Only in quotation marks do systemd and a shell read a space as a part of it
    return "".join(f"{name}={_quoted(value)}\n" for name, value in wanted.items())


def _of_deployments(settings: Settings) -> dict[str, str]:
    """What prefect.yaml is filled in with, so that `prefect deploy --all` by hand gives the same."""
    who = identity.known(settings)
    clock = by_the_clock(identity.in_force_there(settings))
    return {**(who.variables() if who else {}), **clock}


_WHICH = ("COHORT_HOME", "COHORT_CONFIG", "COHORT_BASE", "TMPDIR")


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


if __name__ == "__main__":
    sys.stdout.write(as_file(load_settings()))
