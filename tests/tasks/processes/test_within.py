"""A command in the installation's environment, as units and containers start it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = "import os; print(*(os.environ.get(n) for n in %r), sep='\\n')"
NAMES = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING",
         "PREFECT_SERVER_ANALYTICS_ENABLED", "COHORT_HOME")  # fmt: skip


def within(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT_", "COHORT_"))}
    return subprocess.run(
        [sys.executable, "-P", "-m", "tasks.processes.within", *words],
        cwd=folder, env={**kept, **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_settings_from_the_environment_alone_suffice(tmp_path: Path) -> None:
    """The login comes from its file, and Python is the program's own."""
    login = tmp_path / "login"
    login.write_text("cohort:7f3a\n")
    login.chmod(0o400)
    done = within(
        tmp_path, "python", "-c", SHOW % (NAMES,),
        COHORT_HOME=str(tmp_path / "home"), COHORT_PREFECT_API_URL="https://prefect.example/api",
        COHORT_PREFECT_LOGIN_FILE=str(login),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "https://prefect.example/api", "cohort:7f3a", "cohort:7f3a", "false", str(tmp_path / "home"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "settings", "says"),
    [
        ((), {}, "usage:"),
        (("no-such-program",), {}, "no-such-program: No such file"),
        (("/no/such/program",), {}, "/no/such/program: No such file"),
        (("python",), {"COHORT_PREFECT_PORT": "many"}, "prefect_port"),
        (("python",), {"COHORT_PREFECT_LOGIN_FILE": "login"}, "write the whole path"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], says: str
) -> None:
    done = within(tmp_path, *words, COHORT_HOME=str(tmp_path / "home"), **settings)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
