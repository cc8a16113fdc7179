"""
The files below a practice's own: one base file for many practices, named by `extends` or by COHORT_BASE.

    COHORT_BASE ─► file of `extends` ─► its own file        the later wins; the environment over all

What belongs to one practice alone stands in no base file: two would work on one home, or on one record.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from clinic.errors import SettingsWrong
from clinic.settings.read.file import SettingsFile, read_file, read_settings_file

OWN: Final = ("home", "record_url", "record_url_file")


def read_layers(path: Path | None = None) -> list[SettingsFile]:
    """
    The settings files from the lowest to the practice's own, which is always there, perhaps empty.

    Raises:
        SettingsWrong: one is not there, cannot be read, extends itself, or a base holds what is one practice's
    """
    layers = [read_settings_file(path)]
    while (found := _below(layers[0])) is not None:
        below, named_by = found
        if any(layer.path and layer.path.resolve() == below.resolve() for layer in layers):
            raise SettingsWrong("settings-file", f"{named_by}: extends leads back to {below}")
        if not below.exists():
            raise SettingsWrong(
                "settings-file",
                f"{named_by}: there is no file {below}: correct its name",
            )
        layers.insert(0, read_file(below))
        _require_common(layers[0])
    return layers


def _below(file: SettingsFile) -> tuple[Path, str] | None:
    """The file that this one extends, and where it is named; where it names none, that of COHORT_BASE."""
    named = file.values.get("extends")
    if file.path and isinstance(named, str) and named:
        return file.path.parent / named, file.place(["extends"])
    base = os.environ.get("COHORT_BASE")
    if not base or (file.path and file.path.resolve() == Path(base).resolve()):
        return None
    return Path(base), "COHORT_BASE"


def _require_common(base: SettingsFile) -> None:
    for name in OWN:
        if base.values.get(name):
            raise SettingsWrong(
                "settings-shared",
                f"{base.place([name])}: {name} is in a base file, so that all practices that extend it "
                "would share it: write it in each practice's own file",
            )
