"""What an operation does, in words: "Status: Active → On hold". For the terminal: it may tell a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.naming import Names, read_names
from clinic.change.core.outcomes import WILL_CHANGE
from clinic.change.kinds.table import UNDO
from clinic.change.operations import Operation, find_operation
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import facility, provider, tag

_VISITS: Final = {
    "reassign": "future visits go along",
    "keep": "future visits stay",
    "cancel": "future visits are cancelled, to be rebooked",
}
_PROVIDER: Final = {
    "keep": "the provider stays",
    "default": "to the default provider there",
    "later": "the provider is chosen later",
}
_WHAT: Final = {
    "patients": "patient list",
    "clinical": "clinical summary",
    "visits": "visit history",
    "full": "full record",
}


def what_of(connection: Connection, asked: Operation) -> str:
    """One sentence without a code that people do not use."""
    if asked.kind == UNDO and asked.undo_of is not None:
        partly = (
            ", without those a later operation changed" if asked.parameters.get("partly") else ""
        )
        original = find_operation(connection, asked.undo_of)
        return f"Undo of operation {original.id}{partly} ({what_of(connection, original)})"
    tell = _TELL.get(asked.kind)
    return tell(connection, asked, asked.parameters) if tell else asked.kind


def label(value: str | None) -> str:
    """`on_hold` as people read it: On hold."""
    return "none" if value is None else value.replace("_", " ").capitalize()


def _status(connection: Connection, asked: Operation, told: Mapping[str, Any]) -> str:
    i = operation_item.c
    olds = connection.scalars(
        sa.select(i.old)
        .where(i.operation_id == asked.id, i.outcome == WILL_CHANGE)
        .distinct()
        .order_by(i.old)
    ).all()
    was = ", ".join(map(label, olds))
    return f"Status: {was} → {label(told['to'])}" if was else f"Status: → {label(told['to'])}"


def _provider(connection: Connection, asked: Operation, told: Mapping[str, Any]) -> str:
    to = _named(connection, provider, told["to"]) or "the default provider of each facility"
    how = {"even": ", evenly", "capacity": ", by room"}[told["by"]] if len(told["to"]) > 1 else ""
    return f"Provider: → {to}{how}; {_VISITS[told['visits']]}"


def _facility(connection: Connection, asked: Operation, told: Mapping[str, Any]) -> str:
    to = _named(connection, facility, [told["to"]])
    return f"Facility: → {to}; {_PROVIDER[told['provider']]}"


def _tag(connection: Connection, asked: Operation, told: Mapping[str, Any]) -> str:
    parts = [("give", told.get("add") or []), ("take away", told.get("remove") or [])]
    return "Tags: " + "; ".join(f"{how} {_named(connection, tag, c)}" for how, c in parts if c)


def _attribute(connection: Connection, asked: Operation, told: Mapping[str, Any]) -> str:
    name = label(told["field"])
    if told.get("tidy"):
        return f"{name}: written the usual way"
    to = "cleared" if told.get("to") is None else f"→ {told['to']}"
    return f"{name}: {to}" + (f", where it is {told['was']}" if told.get("was") is not None else "")


def _export(connection: Connection, asked: Operation, told: Mapping[str, Any]) -> str:
    says = f"Export: {_WHAT.get(told['what'], told['what'])}, as {told['format']}"
    if "recipient" not in told:  # asked for before anybody had to say
        return says
    sealed = f", encrypted to {len(told['encrypt_to'])} key(s)" if told.get("encrypt_to") else ""
    return f"{says}{sealed}; to {told['recipient']}, for {told['purpose']}"


def _visit(connection: Connection, asked: Operation, told: Mapping[str, Any]) -> str:
    with_whom = {"auto": "shared at each facility", "own": "each patient's own provider"}
    repeat = f", repeated by {told['repeat']}" if told.get("repeat") else ""
    return (
        f"Visit: {told['type']}, {told['minutes']} minutes, {told['from']} to {told['to']}{repeat}; "
        f"{with_whom.get(told['provider'], told['provider'])}"
    )


_TELL: Final[dict[str, Callable[[Connection, Operation, Mapping[str, Any]], str]]] = {
    "status": _status,
    "provider": _provider,
    "facility": _facility,
    "tag": _tag,
    "attribute": _attribute,
    "export": _export,
    "visit": _visit,
}


def _named(connection: Connection, table: sa.Table, codes: list[str]) -> str:
    names: Names = read_names(connection)
    by_code = {name.split(" ", 1)[0]: name for name in names.by_table[table].values()}
    return ", ".join(by_code.get(code, code) for code in codes)
