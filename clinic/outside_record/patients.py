"""Who a patient is on the other side: found once by their identifier, and kept by its id there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.fhir.client import FhirClient
from clinic.fhir.search import search
from clinic.outside_record.problems import NO_NUMBER, NOT_THERE, TWICE, Problem
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.record.schema.systems.outside_record import outside_patient
from clinic.settings import OutsideRecord

_Resource = Mapping[str, Any]
_A_SEARCH: Final = 50
_KEPT: Final = timedelta(days=1)
_MOST_MERGED: Final = 3  # one into another, and that into a third


def find_patients(
    record: Record, clock: Clock, client: FhirClient, settings: OutsideRecord, ids: Sequence[int]
) -> dict[int, str | Problem]:
    """
    Of each of these patients the id on the other side, or why there is none.

    What is found is kept for a day, since patients are merged there; what is not is asked for the next time.

    Raises:
        NoAnswer, SearchRefused: the other side did not say
    """
    with record.read() as connection:
        kept = sa.select(outside_patient.c.patient_id, outside_patient.c.remote_id)
        fresh = outside_patient.c.found_at > clock.now() - _KEPT
        rows = connection.execute(
            kept.where(is_any_of(outside_patient.c.patient_id, list(ids)), fresh)
        )
        known: dict[int, str | Problem] = {row.patient_id: row.remote_id for row in rows}
        number = patient.c[settings.patient_key]
        missing = [key for key in ids if key not in known]
        own = connection.execute(
            sa.select(patient.c.id, number).where(is_any_of(patient.c.id, missing))
        ).all()
    numbers = {key: str(value) for key, value in own if value}
    found = _ask(client, settings.patient_system, sorted(set(numbers.values())))
    answers = {
        key: _only(_in_force(client, found.get(value, {}))) for key, value in numbers.items()
    }
    new = {key: value for key, value in answers.items() if isinstance(value, str)}
    if new:
        with record.write() as connection:
            # Another process may have found them at this moment
            connection.execute(
                sa.delete(outside_patient).where(is_any_of(outside_patient.c.patient_id, list(new)))
            )
            at = clock.now()
            insert_rows(
                connection, outside_patient, ["patient_id", "remote_id", "found_at"],
                [(key, value, at) for key, value in new.items()],
            )  # fmt: skip
    if lost := [key for key in missing if key not in new]:
        with record.write() as connection:
            forget_patients(connection, lost)
    nobody = dict.fromkeys(missing, Problem(NO_NUMBER))
    return {**known, **nobody, **answers}


def forget_patients(connection: sa.Connection, ids: Sequence[int]) -> None:
    """They are looked for again: the other side may have merged or removed them."""
    connection.execute(
        sa.delete(outside_patient).where(is_any_of(outside_patient.c.patient_id, list(ids)))
    )


def merged_into(resource: Mapping[str, Any]) -> str:
    """The id of the patient whom this one was merged into there; empty: they were not."""
    links = resource.get("link")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("type") == "replaced-by":
            other = link.get("other")
            named = str(other.get("reference", "")) if isinstance(other, dict) else ""
            return named.rpartition("Patient/")[2].partition("/")[0] or "?"
    return ""


def _in_force(client: FhirClient, found: Mapping[str, _Resource]) -> set[str]:
    """Those who are not merged into another; of the others whom they were merged into."""
    ids = {key for key, one in found.items() if not merged_into(one)}
    later = {merged_into(one) for one in found.values()} - {""} - set(found)
    for _ in range(_MOST_MERGED):
        if ids or not later:
            break
        query = {"_id": ",".join(sorted(later)), "_count": "20"}
        others = {str(one.get("id", "")): one for one in search(client, "Patient", query)}
        ids = {key for key, one in others.items() if not merged_into(one)}
        later = {merged_into(one) for one in others.values()} - {""}
    return ids


def _ask(
    client: FhirClient, system: str, numbers: Sequence[str]
) -> dict[str, dict[str, _Resource]]:
    """Of each number the patients that have it by their ids, judged by what each patient says itself."""
    found: dict[str, dict[str, _Resource]] = defaultdict(dict)
    for first in range(0, len(numbers), _A_SEARCH):
        some = numbers[first : first + _A_SEARCH]
        query = {
            "identifier": ",".join(f"{system}|{number}" for number in some),
            "_count": "200",
        }
        for resource in search(client, "Patient", query):
            for number in identifiers_of(resource, system).intersection(some):
                found[number][str(resource.get("id", ""))] = resource
    return found


def identifiers_of(resource: Mapping[str, Any], system: str) -> set[str]:
    """The values of its identifiers of this system that are in use."""
    given = resource.get("identifier")
    return {
        str(one.get("value"))
        for one in (given if isinstance(given, list) else ())
        if isinstance(one, dict) and one.get("system") == system and one.get("use") != "old"
    }


def _only(ids: set[str]) -> str | Problem:
    if len(ids) == 1:
        return next(iter(ids))
    return Problem(TWICE if ids else NOT_THERE)
