"""The settings file: which one it is, what is in it, and on which line."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from clinic.errors import SettingsWrong

DEFAULT: Final = "cohort.toml"
_HEADER: Final = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
_KEY: Final = re.compile(r"""\s*([\w.\-"' ]+?)\s*=""")
_PLACE: Final = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True)
class SettingsFile:
    """A settings file as it was read; without a path there is none, and nothing is in it."""

    path: Path | None = None
    values: dict[str, Any] = field(default_factory=dict)
    text: str = ""

    def place(self, name: Sequence[str]) -> str:
        """Where a setting is written: "cohort.toml, line 7"."""
        line = _line_of(self.text, name)
        return f"{self.path}, line {line}" if line else str(self.path)

    @property
    def open_to_others(self) -> bool:
        """Whether an account other than its owner's may read or change it."""
        return self.path is not None and bool(stat.S_IMODE(self.path.stat().st_mode) & 0o077)


def settings_path() -> Path:
    """The settings file of this process, whether it is there or not."""
    return Path(os.environ.get("COHORT_CONFIG") or DEFAULT)


def read_settings_file(path: Path | None = None) -> SettingsFile:
    """
    The settings file. None is needed unless COHORT_CONFIG or --config names one; /dev/null stands for none.

    Args:
        path: of a file that must be there; None: this process's own

    Raises:
        SettingsWrong: one was named and is not there, or it cannot be read as TOML: line and column
    """
    named, path = path is not None or bool(os.environ.get("COHORT_CONFIG")), path or settings_path()
    if not path.exists():
        if named:
            raise SettingsWrong(
                "settings-file",
                f"the settings file {path} that was named (COHORT_CONFIG, --config) is not there: correct "
                "the name, or write the file with: cohort init",
            )
        return SettingsFile()
    if str(path) == os.devnull:
        return SettingsFile()
    return read_file(path)


def read_file(path: Path) -> SettingsFile:
    """
    A file that is there.

    Raises:
        SettingsWrong: it cannot be read as TOML: line and column
    """
    text = _text_of(path)
    try:
        return SettingsFile(path, tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsWrong("settings-file", _syntax(path, text, str(error))) from None


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise SettingsWrong("settings-file", f"{path} cannot be read: {why}") from None
    try:
        # Windows editors begin a file with three bytes that say UTF-8: they are no setting
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsWrong(
            "settings-file",
            f"{path}, line {line}: the file is not UTF-8 text. Save it again with the encoding UTF-8 "
            "(in Notepad: Save as, Encoding, UTF-8)",
        ) from None


def _syntax(path: Path, text: str, error: str) -> str:
    found = _PLACE.search(error)
    line = int(found[1]) if found else text.count("\n") + 1
    words = _PLACE.sub("", error).replace("(at end of document)", "").strip().rstrip(".")
    hint = (
        "A line is written as key = value: texts in quotation marks, numbers and true or false without, "
        'lists as ["sms", "email"], sections as [sms]'
    )
    return f"{path}, line {line}: not TOML: {words[:1].lower()}{words[1:]}. {hint}"


def _line_of(text: str, name: Sequence[str]) -> int | None:
    """The line of the longest part of `name` that stands in the file by itself."""
    lines: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line.partition("#")[0].rstrip()):
            section = _parts(header[1])
            lines.setdefault(section, number)
        elif key := _KEY.match(line):
            lines.setdefault(section + _parts(key[1]), number)
    for length in range(len(name), 0, -1):
        if (found := lines.get(tuple(name[:length]))) is not None:
            return found
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
