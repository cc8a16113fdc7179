"""
The pictures of the README: a run in the Prefect UI, and its story in a terminal.

    python -m benchmarks.pictures [FOLDER]      docs/pictures, if none is named; some minutes

On the demo's practice, whose patients do not exist, in a folder of its own that is removed in the end. Needs
the package chromium. Made again after a change of what people see, and looked at before it is committed.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from tasks.processes.environment import ROOT
from tests.servers.screen import Page, browser

PORT: Final = 4297
_COHORT: Final = str(Path(sys.executable).with_name("cohort"))
_HEADING: Final = "Checks passed"  # what the run's page says once its log is there


def main(folder: str = str(ROOT / "docs" / "pictures")) -> None:
    """Make both."""
    to = Path(folder)
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        place = Path(home)
        _type(place, "demo", "--home", str(place), "--port", str(PORT), coloured=False)
        try:
            with browser(width=1400, height=1300) as page:
                _run(page, place, to / "run-in-prefect.png")
            with browser(width=1240, height=760) as page:
                _terminal(page, place, to / "run-in-terminal.png")
        finally:
            _type(place, "server", "stop", coloured=False)
    print(f"made: {to}/run-in-prefect.png, {to}/run-in-terminal.png; look at them")


def _type(home: Path, *words: str, coloured: bool = True) -> str:
    """What a command of the demo's practice prints; its progress goes to the screen."""
    environment = {**os.environ, "COHORT_CONFIG": str(home / "cohort.toml")}
    if coloured:
        environment.update(FORCE_COLOR="1", COLUMNS="150", TERM="xterm-256color")
    done = subprocess.run(
        [_COHORT, *words], cwd=home, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _run(page: Page, home: Path, path: Path) -> None:
    """The page of the demo's run: its graph, and what its log says."""
    server = f"http://127.0.0.1:{PORT}"
    login = (home / "prefect" / "login").read_text(encoding="utf-8").strip()
    page.sign_in(server, login)
    page.open(f"{server}/runs?tag=campaign-1")
    page.wait_for("clinic-invite")
    page.run("[...document.querySelectorAll('a')].find(a => a.href.includes('/flow-run/')).click()")
    page.wait_for(_HEADING)
    page.picture(path)


def _terminal(page: Page, home: Path, path: Path) -> None:
    """`cohort show 1 --log` as a terminal shows it."""
    told = _type(home, "show", "1", "--log")
    console = Console(record=True, width=150, file=io.StringIO())
    console.print(Text.from_ansi(f"$ cohort show 1 --log\n{told}"))
    drawn = home / "terminal.svg"
    drawn.write_text(console.export_svg(title="cohort"), encoding="utf-8")
    page.open(drawn.as_uri())
    page.wait_for("")
    page.picture(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
