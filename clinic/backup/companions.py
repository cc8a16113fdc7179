"""
The files that the settings file names: the base that it extends, and files with secrets.

    cohort backup    copies each, with where it is named           ──► companions.json, files/
    cohort restore   one that is there on the new machine counts; else its copy is written beside the
                     settings file, and the settings name that

What the environment gives (COHORT_…, also a path of a secret's file) is not copied: its names are noted, so
that a restore can say what to bring.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from clinic.backup.manifest import SETTINGS
from clinic.record.private import close_folder, open_private
from clinic.settings.read.file import SettingsFile
from clinic.settings.read.layers import read_layers
from clinic.settings.read.secret_files import files_with_secrets

INDEX: Final = "companions.json"
FOLDER: Final = "files"  # of the copies, in the backup
BESIDE: Final = "cohort-files"  # where a restore writes them, beside the settings file
_EXTENDS: Final = "extends"
_WHERE: Final = ("COHORT_CONFIG", "COHORT_BASE", "COHORT_HOME")  # which file, not what is in it


class Companion(BaseModel):
    """A file: which part has its copy, which part names it (empty: COHORT_BASE), how it is named there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: str
    named_in: str
    named: str


class Companions(BaseModel):
    """What was copied, and names of settings that the environment gave."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[Companion, ...] = ()
    environment: tuple[str, ...] = ()


def gather(config: Path, parts: Path) -> None:
    """
    Copy what the settings file names to the parts of a backup.

    Raises:
        SettingsWrong: a base file is not there, or cannot be read
    """
    layers = [layer for layer in reversed(read_layers(config)) if layer.path]
    found: list[Companion] = []
    named_in = SETTINGS
    for layer, below in zip(layers, [*layers[1:], None], strict=True):
        for named, path in _secrets(layer):
            found.append(_copy(path, parts, named_in, named, len(found)))
        if below is not None and below.path:
            named = str(layer.values.get(_EXTENDS) or "")
            found.append(_copy(below.path, parts, named_in if named else "", named, len(found)))
            named_in = found[-1].part
    index = Companions(files=tuple(found), environment=given())
    (parts / INDEX).write_text(index.model_dump_json(indent=1), encoding="utf-8")


def given() -> tuple[str, ...]:
    """Names of settings that the environment gives: they are in no backup."""
    return tuple(
        sorted(name for name in os.environ if name.startswith("COHORT_") and name not in _WHERE)
    )


def _secrets(layer: SettingsFile) -> Iterator[tuple[str, Path]]:
    """How each file with a secret is named in a layer, and where it is."""
    for named in files_with_secrets(layer.values):
        if layer.path and (path := layer.path.parent / named).is_file():
            yield named, path


def _copy(source: Path, parts: Path, named_in: str, named: str, number: int) -> Companion:
    part = f"{FOLDER}/{number}-{source.name}"
    (parts / FOLDER).mkdir(exist_ok=True, mode=0o700)
    target = parts / part
    target.touch(mode=0o600)
    target.write_bytes(source.read_bytes())
    return Companion(part=part, named_in=named_in, named=named)


@dataclass
class Laid:
    """What a restore did with them: `written` beside the settings, `there` already, `bring`: from elsewhere."""

    written: list[Path] = field(default_factory=list)
    there: list[Path] = field(default_factory=list)
    bring: tuple[str, ...] = ()


def lay(parts: Path, config: Path) -> Laid:
    """Write the settings file of a backup, and what it names that is not on this machine."""
    texts = {SETTINGS: (parts / SETTINGS).read_text(encoding="utf-8")}
    index, laid = read_index(parts), Laid()
    laid.bring = index.environment
    folders = {SETTINGS: config.resolve().parent}
    for one in index.files:
        home = folders.get(one.named_in, folders[SETTINGS])
        if one.named and (home / one.named).exists():
            laid.there.append(home / one.named)
            folders[one.part] = (home / one.named).parent
            continue
        target = folders[SETTINGS] / BESIDE / Path(one.part).name
        text = (parts / one.part).read_text(encoding="utf-8")
        texts[one.part] = text
        folders[one.part] = target.parent
        laid.written.append(target)
        if not one.named:  # by COHORT_BASE, which may be another here, or none
            texts[SETTINGS] = f'{_EXTENDS} = "{BESIDE}/{target.name}"\n{texts[SETTINGS]}'
        elif one.named_in in texts:
            near = target.name if one.named_in != SETTINGS else f"{BESIDE}/{target.name}"
            texts[one.named_in] = _renamed(texts[one.named_in], one.named, near)
    _write(config, texts.pop(SETTINGS))
    for part, text in texts.items():
        close_folder(folders[part])
        _write(folders[part] / Path(part).name, text)
    return laid


def read_index(parts: Path) -> Companions:
    """What a backup says of them; an older one says nothing."""
    path = parts / INDEX
    return Companions.model_validate_json(path.read_bytes()) if path.exists() else Companions()


def _renamed(text: str, named: str, now: str) -> str:
    for quote in ('"', "'"):
        text = text.replace(f"{quote}{named}{quote}", f'"{now}"')
    return text


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_private(path, encoding="utf-8") as out:
        out.write(text)
