"""A subject access request answered: who may, on the trail first, then two files for this account alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import may
from clinic.personal_data.access.found_files import find_in_files
from clinic.personal_data.access.gather import gather
from clinic.personal_data.access.page import as_html, document
from clinic.personal_data.access.person import person_who_asks
from clinic.personal_data.access.withheld import (
    CHECK,
    counts_by_ground,
    disclose,
    withhold,
    withhold_again,
)
from clinic.record.database import Record
from clinic.record.private import open_private
from clinic.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was typed: who, why, what to withhold and on which ground, what to show after all."""

    given: str
    reason: str
    withheld: Sequence[str] = ()
    ground: str = CHECK
    disclosed: Sequence[str] = ()


@dataclass(frozen=True)
class Answered:
    """What was written: both files, how many entries, values withheld by ground, which to check."""

    html: Path
    json: Path
    entries: int
    withheld: dict[str, int]
    to_check: tuple[str, ...]


def answer(
    record: Record,
    clock: Clock,
    settings: Settings,
    request: Request,
    folder: Path,
    *,
    by: Operator,
    looks: Callable[[int | None], None],
) -> Answered:
    """
    Write everything that is held of one person into two files of a folder.

    looks: writes down that the patient of this key is looked at; None: of whoever is known by an address alone

    Raises:
        NotAllowed: it is a manager's to answer
        CohortRefused: who is meant cannot be said, or an item or ground is none
    """
    if not may(by.role, "audit"):
        raise NotAllowed("subject-access-role", "a subject access request is answered by a manager")
    with record.read() as connection:
        person = person_who_asks(connection, request.given, settings.phones)
        items = gather(connection, person)
    items += find_in_files(settings.home, person)
    disclose(items, request.disclosed)
    if request.withheld:
        withhold(items, request.withheld, request.ground)
    withhold_again(items, request.disclosed)
    looks(person.key)
    counts = counts_by_ground(items)
    now = clock.now()
    act = Act(
        operator=by.name, operation_type="subject-access.answered",
        subject="address" if person.key is None else "patient", subject_id=person.key,
        patients_affected=1, new_values={"entries": len(items), "withheld": counts}, reason=request.reason,
    )  # fmt: skip
    with record.write() as connection:
        record_act(connection, clock, act)
    about = {
        "practice": settings.organisation.name,
        "made": f"{now:%Y-%m-%d %H:%M} UTC",
        "by": by.name,
    }
    found = document(items, about)
    stem = folder / f"subject-access-{now:%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    html, json = stem.with_suffix(".html"), stem.with_suffix(".json")
    with open_private(html, encoding="utf-8") as file:
        file.write(as_html(found))
    with open_private(json, encoding="utf-8") as file:
        file.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    to_check = tuple(item.name for item in items if CHECK in item.withheld.values())
    return Answered(html, json, len(items), counts, to_check)
