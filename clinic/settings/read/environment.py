"""Settings from the environment: COHORT_SMS__URL is `url` of `[sms]`. A name that is none is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from clinic.errors import SettingsWrong
from clinic.settings.section import named_sections_of, nearest, section_of, settings_in

PREFIX: Final = "COHORT_"
# No settings: which file holds them, and what Cohort itself tells the processes that it starts
OTHERS: Final = (
    "COHORT_CONFIG",
    "COHORT_BASE",
    "COHORT_TIME_ZONE",
    "COHORT_REMIND_AT",
    "COHORT_REMIND_ZONE",
    "COHORT_INSTALLATION",
    "COHORT_POOL",
    "COHORT_TAG",
    "COHORT_LABEL",
    "COHORT_LOG_FILE",
    "COHORT_LOG_PRACTICE",
)


@dataclass(frozen=True)
class Environment:
    """
    What the environment sets: the values, and the variable of each setting by its dotted name.

    faults: variables COHORT_… that are no setting, and lists or tables that are not JSON
    """

    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    faults: list[SettingsWrong] = field(default_factory=list)


def read_environment(model: type[BaseModel], environment: Mapping[str, str]) -> Environment:
    """The settings in the environment, and what is wrong with it."""
    found = Environment()
    for variable in sorted(environment):
        if variable.upper().startswith(PREFIX) and variable.upper() not in OTHERS:
            try:
                name, key = _resolve(model, variable)
                value = _value(variable, environment[variable], key)
            except SettingsWrong as fault:
                found.faults.append(fault)
                continue
            _put(found.values, name, value)
            found.variables[".".join(name)] = variable
    return found


def variable_of(dotted: str) -> str:
    """The variable of a setting: sms.url is COHORT_SMS__URL."""
    return PREFIX + dotted.upper().replace(".", "__")


def _resolve(model: type[BaseModel], variable: str) -> tuple[list[str], FieldInfo | None]:
    """The setting that a variable names; no field: a part of a table, or a whole section."""
    names = variable[len(PREFIX) :].lower().split("__")
    inner: type[BaseModel] = model
    for depth, name in enumerate(names):
        known = inner.model_fields.get(name)
        if known is None:
            raise _unknown(model, variable)
        if named := named_sections_of(known):
            return names, _in_named(named, names[depth + 1 :], model, variable)
        section = section_of(known)
        last = depth == len(names) - 1
        if section is None:
            if last:
                return names, known
            if _origin(known) is dict:
                return names, None
            raise _unknown(model, variable)
        inner = section
    return names, None


def _in_named(
    sections: tuple[type[BaseModel], ...], rest: list[str], model: type[BaseModel], variable: str
) -> FieldInfo | None:
    """Of COHORT_SOURCES__WAREHOUSE__URL the field `url`; None: JSON of a section, of all, or of a table."""
    known = _first_field(sections, rest[1]) if len(rest) > 1 else None
    if len(rest) > 1 and known is None:
        raise _unknown(model, variable)
    if len(rest) > 2:
        inner = None if known is None else section_of(known)
        if inner is not None and len(rest) == 3 and rest[2] in inner.model_fields:
            return inner.model_fields[rest[2]]  # COHORT_GATEWAYS__NOTIFY__PROCESSOR__COMPANY
        if known is None or _origin(known) is not dict or len(rest) > 3:
            raise _unknown(model, variable)
        return None
    return known


def _first_field(sections: tuple[type[BaseModel], ...], name: str) -> FieldInfo | None:
    """A setting of this name, whichever type of section has it."""
    fields = (section.model_fields.get(name) for section in sections)
    return next((field for field in fields if field is not None), None)


def _unknown(model: type[BaseModel], variable: str) -> SettingsWrong:
    known = [variable_of(dotted) for dotted, _ in settings_in(model)]
    meant = nearest(variable.upper(), [*known, *OTHERS])
    hint = f"; the nearest is {meant}" if meant else ""
    return SettingsWrong(
        "settings",
        f"the environment variable {variable} is no setting of Cohort{hint}. Correct its name or unset it",
    )


def _origin(known: FieldInfo) -> Any:
    return get_origin(known.annotation)


def _value(variable: str, text: str, known: FieldInfo | None) -> Any:
    """What stands in a variable: JSON for lists, tables and sections, else the text itself."""
    if known is not None and _origin(known) not in (dict, tuple, list):
        optional = type(None) in get_args(known.annotation)
        return None if optional and text.strip() in ("", "null") else text
    try:
        return json.loads(text)
    except ValueError:
        raise SettingsWrong(
            "settings",
            f'the environment variable {variable} is a list or a table: write it as JSON, such as ["sms"] '
            'or {"mon": ["08:00-12:30"]}',
        ) from None


def _put(values: dict[str, Any], name: list[str], value: Any) -> None:
    *above, last = name
    for part in above:
        values = values.setdefault(part, {})
    if isinstance(value, dict) and isinstance(values.get(last), dict):
        values[last] = (
            value | values[last]
        )  # the variable that names a single setting is the nearer one
    else:
        values[last] = value
