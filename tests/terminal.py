"""The program at a real terminal: a process of its own that is asked and answers, as a person would."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pexpect

COHORT = Path(__file__).parents[1] / ".venv" / "bin" / "cohort"
CTRL_C, CTRL_D = "\x03", "\x04"


@dataclass(frozen=True)
class Screen:
    """What stood on the screen in the end, as one line of words; and the exit code."""

    code: int | None
    text: str


def at_terminal(folder: Path, *words: str, answers: Iterable[tuple[str, str]] = ()) -> Screen:
    """
    Type `cohort …` in a folder, and answer: (a part of the question, what is typed).

    An answer that is a control key is pressed, any other is typed with Enter.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("COHORT_")}
    child = pexpect.spawn(
        str(COHORT), list(words), cwd=str(folder), encoding="utf-8", timeout=90, dimensions=(50, 200),
        env={**env, "NO_COLOR": "1", "TERM": "dumb"},
    )  # fmt: skip
    seen = ""
    for question, answer in answers:
        child.expect_exact(question)
        seen += child.before + child.after
        if answer in (CTRL_C, CTRL_D):
            child.send(answer)
        else:
            child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    return Screen(child.exitstatus, " ".join((seen + child.before).split()))
