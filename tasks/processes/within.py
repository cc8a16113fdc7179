"""
A command in this installation's environment: the entry point of a container, and of each unit of systemd.

    python -P -m tasks.processes.within COMMAND …        prefect server start, cohort health serve …

Settings come from `cohort.toml` or from COHORT_… alone; what a Prefect process needs beside them is set here
(tasks/processes/environment.py), so no list of variables is written anywhere.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from clinic.errors import CohortError
from clinic.settings import load_settings
from tasks.processes.environment import child_environment

USAGE = "usage: python -P -m tasks.processes.within COMMAND [ARGUMENT …]"


def found(command: str, environment: Mapping[str, str]) -> str:
    """Where the program of this name is: beside this Python first, as a virtual environment has its own."""
    if os.sep in command:
        return command  # somebody said where
    beside = Path(sys.executable).with_name(command)
    return (
        str(beside)
        if beside.exists()
        else shutil.which(command, path=environment.get("PATH")) or command
    )


def main(words: Sequence[str]) -> None:
    """Become the command; exit code 2 where it or the settings cannot be found."""
    if not words:
        sys.exit(USAGE)
    try:
        environment = child_environment(load_settings())
    except CohortError as error:
        sys.stderr.write(f"{error.code}: {error.says}\n")
        sys.exit(2)
    # The server and the worker say what they do where whoever started them looks
    try:
        os.execvpe(found(words[0], environment), list(words), environment)
    except OSError as error:
        sys.stderr.write(f"{words[0]}: {error.strerror}\n")
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
