"""The options of a command are the fields of its request: the same choices, bounds and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic.fields import FieldInfo
from typer.models import ParameterInfo

from cli.message.command import message
from cli.remind.command import remind
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.reminders.reminder_request import ReminderRequest

MESSAGE = MessageRequest.model_fields | CohortChoice.model_fields
REMIND = ReminderRequest.model_fields
# Where an option has another name than its field
OF_MESSAGE = {
    "since": "registered_from", "until": "registered_to", "name": "list_name",
    "snomed": "snomed_codes", "start": "start_at", "days": "stagger_days", "me": "requested_by",
    "no_save": "save_to_record", "owner": "recall_owner", "recall_code": "recall_codes",
    "attach": "attachment_sha256",
}  # fmt: skip
OF_REMIND = {
    "since": "first_date", "until": "last_date", "name": "list_name", "me": "requested_by",
}  # fmt: skip
# How the command itself goes about it, or what it makes a field of
OF_COMMAND = {
    "ids_from", "resume", "text", "subject", "purpose", "preview", "row", "yes", "accept_warnings", "json",
    "secret_fd", "leave_out", "seen", "show_all", "sound",
}  # fmt: skip
# Of Prefect's form alone: the settings' pace holds, a command makes its own key, and `cohort correct` names
# the campaign that it corrects
OF_FORM = {"cohort", "template_version", "per_second", "per_day", "request_key", "corrects"}
# The option's default, where it is told otherwise: it must be named, or is the request's own
TOLD = {
    "name",
    "me",
    "no_save",
    "snomed",
    "template",
    "days",
    "accept",
    "recall_code",
    "covers",
    "keep",
}

CASES = [(message, MESSAGE, OF_MESSAGE), (remind, REMIND, OF_REMIND)]
Command = Callable[..., None]


@pytest.mark.parametrize(("command", "asked", "names"), CASES)
def test_every_field_has_an_option_and_every_option_a_field(
    command: Command, asked: Mapping[str, FieldInfo], names: Mapping[str, str]
) -> None:
    options = {names.get(name, name) for name in options_of(command)}
    assert options - OF_COMMAND == asked.keys() - OF_FORM


@pytest.mark.parametrize(("command", "asked", "names"), CASES)
def test_an_option_takes_what_its_field_takes(
    command: Command, asked: Mapping[str, FieldInfo], names: Mapping[str, str]
) -> None:
    for name, (kind, option, default) in options_of(command).items():
        field = asked.get(names.get(name, name))
        if field is None:
            continue
        assert choices(kind) == choices(field.annotation), name
        assert (option.min, option.max) == (bound(field, "ge"), bound(field, "le")), name
        if name not in TOLD:
            assert default == (None if field.is_required() else field.default), name


def options_of(command: Command) -> dict[str, tuple[Any, ParameterInfo, Any]]:
    """Its options: the type, what typer knows of each, the default."""
    hints = get_type_hints(command, include_extras=True)
    defaults = dict(zip(hints, command.__defaults__ or (), strict=False))
    found = {}
    for name, hint in hints.items():
        if get_origin(hint) is Annotated:
            kind, *told = get_args(hint)
            (option,) = (each for each in told if isinstance(each, ParameterInfo))
            found[name] = (kind, option, defaults[name])
    return found


def choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def bound(field: FieldInfo, which: str) -> Any:
    found = [getattr(each, which) for each in field.metadata if hasattr(each, which)]
    return found[0] if found else None
