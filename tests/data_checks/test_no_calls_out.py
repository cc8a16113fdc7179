"""The import is paid only where it is needed, and nothing of it calls home."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A process of its own, so that the hook is there before the first import; hooks cannot be taken away
WATCHED = """
import json, sys
seen = []
def watch(event, args):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostby")):
        seen.append(event)
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        seen.append(event)
sys.addaudithook(watch)
import data_checks.eligibility.eligibility, data_checks.gate.gate, data_checks.lists.report
early = "great_expectations" in sys.modules
from clinic.settings import Gate
import pandas as pd
codes = [rule.code for rule in data_checks.gate.gate.BEFORE.values()]
flags = pd.DataFrame({code: [True] * 100 for code in codes})
outcomes = [
    data_checks.gate.gate.judge_list(flags, gate=Gate()).outcome,
    data_checks.gate.gate.judge_intake(
        ["NHS Number"], {"nhs_number": "NHS Number"}, 5, scheme="generic"
    ).outcome,
]
late = "great_expectations" in sys.modules
statistics = any(name.startswith("scipy.stats.") for name in sys.modules)
import scipy.stats
median = scipy.stats.norm.ppf(0.5)
print(json.dumps({"early": early, "late": late, "seen": seen, "outcomes": outcomes,
                  "statistics": statistics, "median": median}))
"""


def test_judging_opens_no_connection_and_starts_no_program() -> None:
    """Watched by an audit hook from the first import to the last verdict; statistics come when asked for."""
    run = subprocess.run(
        [sys.executable, "-c", WATCHED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = json.loads(run.stdout)
    assert told == {
        "early": False, "late": True, "seen": [], "outcomes": ["pass", "pass"],
        "statistics": False, "median": 0.0,
    }  # fmt: skip
    assert run.stderr == ""  # nor progress bars


def test_the_hook_would_have_seen_a_call() -> None:
    """The negative control: the same hook reports a connection that is tried."""
    tried = WATCHED.split("import data_checks")[0] + (
        "import socket\n"
        "s = socket.socket()\n"
        "s.connect_ex(('127.0.0.1', 9))\n"
        "print(json.dumps(seen))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", tried], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == ["socket.connect"]
