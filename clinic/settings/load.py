"""Reads the settings: the environment over the file over the defaults, and where each value comes from."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr, ValidationError

from clinic.errors import SettingsWrong
from clinic.settings.faults import faults_of, place_of
from clinic.settings.installation import Settings
from clinic.settings.read.environment import Environment, read_environment
from clinic.settings.read.file import SettingsFile
from clinic.settings.read.layers import read_layers
from clinic.settings.read.secret_files import SECRETS, secrets_of_named, with_secrets
from clinic.settings.section import settings_in

Source = Literal["default", "file", "environment"]


@dataclass(frozen=True)
class Loaded:
    """The settings in force, and where each comes from. `files`: the practice's own is the last."""

    settings: Settings
    files: Sequence[SettingsFile]
    environment: Environment

    def source(self, dotted: str) -> tuple[Source, str]:
        """Where a setting's value comes from, the nearest first; and the very place."""
        wanted = [dotted, f"{dotted}_file"] if dotted in SECRETS else [dotted]
        for name in wanted:
            if variable := _variable(self.environment, name):
                return "environment", variable
        for file in reversed(self.files):
            for name in wanted:
                if is_in(file.values, name):
                    return "file", file.place(name.split("."))
        return "default", ""


def load_settings() -> Settings:
    """
    The settings of this process.

    Raises:
        SettingsWrong: which setting, where it was written, what is wrong with it, what to write
    """
    return read_settings().settings


def read_settings() -> Loaded:
    """
    The same, with where each comes from.

    Raises:
        SettingsWrong: as `load_settings`, of every error
    """
    loaded, faults = inspect_settings()
    if loaded is None or faults:
        code = faults[0].code
        raise SettingsWrong(code, "; ".join(fault.says for fault in faults))
    return loaded


def inspect_settings(path: Path | None = None) -> tuple[Loaded | None, list[SettingsWrong]]:
    """
    The settings, and everything that is wrong with them; none where they cannot be put together.

    What makes no sense has its default in them, so that the rest can be looked at too.

    Args:
        path: another settings file than this process's own
    """
    try:
        files = read_layers(path)
    except SettingsWrong as fault:
        return None, [fault]
    environment = read_environment(Settings, os.environ)
    faults = [*environment.faults, *(f for file in files for f in _open_secrets(file))]
    if environment.values.pop("extends", None):
        says = "the environment names a base file by COHORT_BASE, not by COHORT_EXTENDS: rename it"
        faults.append(SettingsWrong("settings", says))
    values: dict[str, Any] = {}
    for given, folder in (
        *((file.values, file.path.parent if file.path else Path()) for file in files),
        (environment.values, None),
    ):
        layer, wrong = with_secrets(given, folder)
        values = _merged(values, layer)
        faults += wrong
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        place = partial(_place, files, environment)
        faults += [SettingsWrong("settings", says) for says in faults_of(error, Settings, place)]
        try:
            settings = Settings.model_validate(_without(values, error))
        except ValidationError:
            return None, faults
    return Loaded(_with_home(settings, files[-1], environment), files, environment), faults


def _without(values: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """The settings without those that are wrong."""
    kept = copy.deepcopy(values)
    for fault in error.errors():
        if fault["loc"]:
            _drop(kept, place_of(fault["loc"], Settings))
    return kept


def _drop(values: dict[Any, Any], place: Sequence[int | str]) -> None:
    """Take a setting out; of a list's item the whole list."""
    *above, last = place
    for part in above:
        if not isinstance(values.get(part), dict):
            values.pop(part, None)
            return
        values = values[part]
    values.pop(last, None)


def is_in(values: Mapping[str, Any], dotted: str) -> bool:
    """Whether a setting is given."""
    inner: Any = values
    for part in dotted.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            return False
        inner = inner[part]
    return True


def _with_home(settings: Settings, file: SettingsFile, environment: Environment) -> Settings:
    """A home is relative to the file that names it, so that it is the same one from every folder."""
    if file.path is None or "home" in environment.variables:
        return settings
    return settings.model_copy(update={"home": file.path.parent / settings.home})


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(under, value) if both else value  # type: ignore[arg-type]  # both are
    return merged


def _variable(environment: Environment, dotted: str) -> str | None:
    """The variable that sets this, a part of it, or the section that it is in."""
    for name, variable in environment.variables.items():
        if f"{name}.".startswith(f"{dotted}.") or (
            f"{dotted}.".startswith(f"{name}.") and is_in(environment.values, dotted)
        ):
            return variable
    return None


def _place(files: Sequence[SettingsFile], environment: Environment, name: Sequence[str]) -> str:
    if variable := _variable(environment, ".".join(name)):
        return variable
    # Of what is missing, the section that it is missing in
    for length in range(len(name), 0, -1):
        for file in reversed(files):
            if is_in(file.values, ".".join(name[:length])):
                return file.place(name)
    return files[-1].place(name) if files[-1].path is not None else "settings"


def _open_secrets(file: SettingsFile) -> list[SettingsWrong]:
    """What is secret in a file that others may read."""
    if not file.open_to_others:
        return []
    secrets = [
        dotted
        for dotted, field in settings_in(Settings)
        if (field.annotation is SecretStr or dotted.endswith("_url"))
        and _holds_secret(_at(file.values, dotted), is_url=dotted.endswith("_url"))
    ]
    secrets += [
        dotted
        for dotted in secrets_of_named(file.values)
        if _holds_secret(_at(file.values, dotted), is_url=dotted.endswith(".url"))
    ]
    if not secrets:
        return []
    return [
        SettingsWrong(
            "settings-open",
            f"{file.path} holds {', '.join(secrets)} and can be read by others; run: chmod 600 {file.path}",
        )
    ]


def _at(values: Mapping[str, Any], dotted: str) -> Any:
    inner: Any = values
    for part in dotted.split("."):
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    return inner


def _holds_secret(value: Any, *, is_url: bool) -> bool:
    if not value:
        return False
    return bool(re.search(r"://[^/@\s]*:[^/@\s]+@|password=", str(value))) if is_url else True
