"""Reads the settings: the environment over the file over the defaults, and where each value comes from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import SecretStr, ValidationError

from clinic.errors import SettingsWrong
from clinic.settings.environment import Environment, read_environment
from clinic.settings.faults import faults_of
from clinic.settings.file import SettingsFile, read_settings_file
from clinic.settings.installation import Settings
from clinic.settings.section import settings_in

Source = Literal["default", "file", "environment"]


@dataclass(frozen=True)
class Loaded:
    """The settings in force, and where each comes from."""

    settings: Settings
    file: SettingsFile
    environment: Environment

    def source(self, dotted: str) -> tuple[Source, str]:
        """Where a setting's value comes from: the environment wins over the file; and the very place."""
        if variable := _variable(self.environment, dotted):
            return "environment", variable
        if is_in(self.file.values, dotted):
            return "file", self.file.place(dotted.split("."))
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
        SettingsWrong: as `load_settings`
    """
    file = read_settings_file()
    environment = read_environment(Settings, os.environ)
    try:
        settings = Settings.model_validate(_merged(file.values, environment.values))
    except ValidationError as error:
        raise SettingsWrong(
            "settings", faults_of(error, Settings, partial(_place, file, environment))
        ) from None
    _require_closed(file)
    return Loaded(_with_home(settings, file, environment), file, environment)


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


def _place(file: SettingsFile, environment: Environment, name: Sequence[str]) -> str:
    if variable := _variable(environment, ".".join(name)):
        return variable
    return file.place(name) if file.path is not None else "settings"


def _require_closed(file: SettingsFile) -> None:
    if not file.open_to_others:
        return
    secrets = [
        dotted
        for dotted, field in settings_in(Settings)
        if (field.annotation is SecretStr or dotted.endswith("_url"))
        and _holds_secret(_at(file.values, dotted), is_url=dotted.endswith("_url"))
    ]
    if secrets:
        raise SettingsWrong(
            "settings-open",
            f"{file.path} holds {', '.join(secrets)} and can be read by others; run: chmod 600 {file.path}",
        )


def _at(values: Mapping[str, Any], dotted: str) -> Any:
    inner: Any = values
    for part in dotted.split("."):
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    return inner


def _holds_secret(value: Any, *, is_url: bool) -> bool:
    if not value:
        return False
    return bool(re.search(r"://[^/@\s]*:[^/@\s]+@|password=", str(value))) if is_url else True
