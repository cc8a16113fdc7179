"""
What a script gets: with --json, standard output is one JSON document and nothing else, whatever happens.

    went well          what the command tells
    refused            {"error": {"code", "says", "file", "row", "column", "do", "exit_code"}}
    both               what the command tells, with "error" in it
    nothing to tell    {"says": what a person would have been told}

Tables, progress, questions and the error as people read it go to standard error. The exit code is the same
as without --json.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

_FILE = re.compile(r"^(?:the settings file )?(\S+\.[a-z]{2,5})(?=[:,] )", re.IGNORECASE)
_ROW = re.compile(r"\b(?:row|line) (\d[\d,]*)\b")
_COLUMN = re.compile(r"\bcolumn ([A-Z]{1,3}\b|'[^']+'|\"[^\"]+\")")
_COMMAND = re.compile(r"\bcohort(?: [a-z][a-z-]+)+(?: (?:[A-Z]+\b|--?[a-z-]+|\d+|\"[^\"]*\"|…))*")


@dataclass
class Script:
    """Whether a script reads this command's output, what was typed, and what it is told."""

    words: Sequence[str] = ()
    wanted: bool = False
    told: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether --json is among the words of a command, before any `--`; help is for people."""
    own = words[: words.index("--")] if "--" in words else words
    return "--json" in own and not {"--help", "--version"} & set(own)


def error_of(
    code: str, says: str, exit_code: int, words: Sequence[str] = (), *, do: str = ""
) -> dict[str, Any]:
    """
    A refusal for scripts. Its sentence follows one form: `FILE: row 5, column C holds …; then: cohort …`.

    Args:
        words: what was typed: a file among them that the sentence names is the file, with its path
        do: what to do; else the commands that the sentence names, else the one that says more
    """
    row, column, command = _ROW.search(says), _COLUMN.search(says), _COMMAND.findall(says)
    return {
        "code": code,
        "says": says,
        "file": _file(says, words),
        "row": int(row[1].replace(",", "")) if row else None,
        "column": column[1].strip("'\"") if column else None,
        "do": [do] if do else command or [f"cohort help {code}"],
        "exit_code": exit_code,
    }


def _file(says: str, words: Sequence[str]) -> str | None:
    for word in words:
        name = PurePath(word).name
        if "." in name and not word.startswith("-") and name in says:
            return word
    named = _FILE.match(says)
    return named[1] if named else None


def document(script: Script) -> Any:
    """The one document that all of it comes to."""
    if script.told:
        (first, *more) = script.told
        found: Any = [first, *more] if more else first
    else:
        found = {} if script.error else {"says": script.said}
    if script.error is None:
        return found
    return {**found, "error": script.error} if isinstance(found, dict) else found


def write(value: Any) -> None:
    """One JSON document, times in ISO 8601 and UTC, harmless on a screen."""
    import orjson

    from cli.harmless import harmless_json

    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    sys.stdout.write(harmless_json(text.decode()) + "\n")
