"""
Attribute update (ALC-1): one field of many patients, for insurance updates and data clean-up.

Either every patient gets one value (`to`, and only those who have `was` if that is given), or what
they have is written the usual way (`tidy`): a postcode in capitals with its space, an e-mail address
without blanks and in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.change.core.operation_kind import (
    Items,
    Kind,
    Parameters,
    Plan,
    Reason,
    has_died,
    patient_items,
)
from clinic.change.core.outcomes import VALUE_DIFFERS, VALUE_INVALID
from clinic.errors import OperationRefused
from clinic.record.schema.people import patient
from clinic.settings import Settings

# Any postcode of the United Kingdom and the Crown dependencies (BS 7666)
_POSTCODE: Final = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}")
_PACKED: Final = "^(GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})$"  # without its space
# One address and nothing beside it: "Ann <ann@…>" and two addresses in one field are for a person
_ONE_ADDRESS: Final = r"""^[^]\s@,;:<>()"\\[]+@[^]\s@,;:<>()"\\[]+\.[^]\s@,;:<>()"\\.[]+$"""
_CHANNELS: Final = ("sms", "email", "voice", "none")
_SEXES: Final = ("male", "female", "other", "unknown")  # FHIR administrative-gender


def _postcode(value: str) -> bool:
    return _POSTCODE.fullmatch(value) is not None


def _email(value: str) -> bool:
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _plain(value: str) -> bool:
    return value == value.strip() and value.isprintable()


# Field → what a value must be. Longer than its column is wrong for every field
_GOOD: Final[dict[str, Callable[[str], bool]]] = {
    "insurance_plan": _plain,
    "postcode": _postcode,
    "email": _email,
    "address": _plain,
    "title": _plain,
    "sex": _SEXES.__contains__,
    "preferred_channel": _CHANNELS.__contains__,
}
_ANY: Final = "any text without line breaks, no blank at its ends, not longer than the field"
# Field → what is told of a wrong value
_ALLOWED: Final = {
    "insurance_plan": _ANY,
    "postcode": "a postcode of the United Kingdom, in capitals with its space: SW1A 1AA",
    "email": "an e-mail address: somebody@example.org",
    "address": _ANY,
    "title": _ANY,
    "sex": f"one of {', '.join(_SEXES)}",
    "preferred_channel": f"one of {', '.join(_CHANNELS)}",
}
_TIDY: Final = ("postcode", "email")


def require(_connection: Connection, _settings: Settings, parameters: Parameters) -> Parameters:
    """
    `field`, and `to` (None clears it), with or without `was`; or `field` and `tidy`.

    Raises:
        OperationRefused: the field is not one of these, or cannot hold the value
    """
    field = str(parameters.get("field", ""))
    if field not in _GOOD:
        raise OperationRefused(
            "field-unknown", f"{field!r} cannot be updated; these can: {', '.join(_GOOD)}"
        )
    if parameters.get("tidy"):
        if field not in _TIDY:
            raise OperationRefused(
                "field-not-tidied", f"only these can be tidied: {', '.join(_TIDY)}"
            )
        return {"field": field, "tidy": True}
    to = parameters.get("to")
    if to is not None and not str(to).strip():
        raise OperationRefused(
            "value-missing",
            f"an empty value would remove {field} away from everybody selected; if that is meant: --clear",
        )
    if to is not None and not _fits(field, str(to)):
        raise OperationRefused(
            "value-invalid", f"this is not a value that {field} can have; {_ALLOWED[field]}"
        )
    return {"field": field, "to": to} | (
        {"was": parameters["was"]} if parameters.get("was") is not None else {}
    )


def _fits(field: str, value: str) -> bool:
    longest = getattr(patient.c[field].type, "length", None) or 1000
    return len(value) <= longest and _GOOD[field](value)


def items(_connection: Connection, plan: Plan) -> Iterator[Items]:
    """One item a patient."""
    field = plan.parameters["field"]
    old = patient.c[field]
    if plan.parameters.get("tidy"):
        new, reasons = _tidied(field, old)
    else:
        new = sa.literal(plan.parameters["to"], sa.Text)
        reasons = [Reason(old.is_not_distinct_from(new), "already_so")]
        if "was" in plan.parameters:
            reasons.append(Reason(old.is_distinct_from(plan.parameters["was"]), VALUE_DIFFERS))
    yield patient_items(plan, field=field, old=old, new=new, reasons=(has_died(), *reasons))


def _tidied(field: str, old: ColumnElement[Any]) -> tuple[ColumnElement[Any], list[Reason]]:
    """The usual spelling of what is there; who has nothing that could be spelled so keeps what is there."""
    if field == "email":
        plain = sa.func.lower(sa.func.trim(old))
        one = plain.regexp_match(_ONE_ADDRESS)
        return _where(one, plain, old), [Reason(sa.and_(old.is_not(None), ~one), VALUE_INVALID)]
    packed = sa.func.upper(sa.func.replace(old, " ", ""))
    length = sa.func.length(packed)
    # Not by its length: BFPO 61, UNKNOWN and an Irish Eircode would be cut in two
    good = packed.regexp_match(_PACKED)
    new = sa.func.substr(packed, 1, length - 3) + " " + sa.func.substr(packed, length - 2)
    return _where(good, new, old), [Reason(sa.and_(old.is_not(None), ~good), VALUE_INVALID)]


def _where(
    good: ColumnElement[bool], new: ColumnElement[Any], old: ColumnElement[Any]
) -> ColumnElement[Any]:
    """Nobody is shown a value that is never written: `BFPO5 102` beside BFPO 5102."""
    return sa.case((good, new), else_=old)


ATTRIBUTE = Kind(
    name="attribute",
    title="Attribute update",
    flow="update-attribute",
    fields=tuple(_GOOD),
    require=require,
    items=items,
    private=("to", "was"),
)
