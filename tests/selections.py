"""Selections of one part, as tests take them: a filter alone, or ids alone."""

from __future__ import annotations

from collections.abc import Sequence

from clinic.change.selection.selection import Taken, filter_part, take
from clinic.change.selection.selection_parts import Part
from clinic.clock import Clock
from clinic.cohort.filters import PatientFilter
from clinic.cohort.id_file import given_ids
from clinic.record.database import Record
from clinic.settings import Settings


def select_by_filter(
    record: Record, clock: Clock, settings: Settings, wanted: PatientFilter, *, taken_by: str
) -> Taken:
    """
    A filter alone.

    Raises:
        NotFound: the filter names a status, facility or provider that does not exist
        OperationRefused: nobody, or more than the cap
    """
    return take(record, clock, settings, [filter_part(settings, wanted)], taken_by=taken_by)


def select_ids(
    record: Record,
    clock: Clock,
    settings: Settings,
    ids: Sequence[str],
    *,
    source: str,
    taken_by: str,
    first_row: int = 1,
) -> Taken:
    """
    ALC-11, 12, 13: patients by NHS number or by the practice's own id.

    Args:
        source: "ids" (pasted), "file" or "pick"
        first_row: the number of the first id's row: 2 in a spreadsheet with a heading

    Raises:
        OperationRefused: none of them is a patient's, or there are more than the cap
    """
    part = Part(source, ids=given_ids(ids, first_row=first_row))
    return take(record, clock, settings, [part], taken_by=taken_by)
