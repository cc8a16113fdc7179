"""
Which columns of a file say whom it means, where nothing else is asked of it: a selection's rule of headings.

A list of messages needs what its scheme demands (columns.py); a selection needs an id, and takes any
heading under which people keep one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinic.cohort.columns import column_name, find_column, heading_key
from clinic.errors import ListRefused
from clinic.settings import Layout

# Over a column of ids of either kind: each is looked up as both
_EITHER: Final = frozenset(
    map(
        heading_key,
        (
            "ID", "IDs", "Identifier", "Identifiers", "Patient", "Patients", "Patient IDs", "Number",
            "Numbers", "NHS Number or ID", "NHS Number or Patient ID", "NHS Numbers", "EMIS Numbers",
            "Patient Numbers", "Reference", "Patient Reference",
        ),
    )
)  # fmt: skip


def map_id_columns(
    columns: Sequence[str], scheme: Layout, *, file_name: str
) -> tuple[str, dict[str, str]]:
    """
    The columns of NHS numbers and of other ids; one of them is enough. `scheme` demands nothing here.

    Raises:
        ListRefused: no heading of an id is known, or two columns claim to be the same id
    """
    fields = {
        field: columns[place]
        for field in ("nhs_number", "local_id")
        if (place := find_column(field, columns, file_name)) is not None
    }
    if not fields:
        fields = _either(columns, file_name)
    return scheme, fields


def _either(columns: Sequence[str], file_name: str) -> dict[str, str]:
    places = [i for i, column in enumerate(columns) if heading_key(column) in _EITHER]
    if len(places) == 1:
        return {"local_id": columns[places[0]]}
    if places:
        both = " and ".join(column_name(columns, place) for place in places)
        raise ListRefused(
            "list-columns-ambiguous",
            f"{file_name}: row 1: {both} may both hold the patients' ids. "
            "Rename the heading of the one to be used to 'NHS Number' or 'Patient ID'.",
        )
    raise ListRefused(
        "list-columns-missing",
        f"{file_name}: row 1: a selection needs a column of ids, and no heading of one is known. Rename "
        "its heading to 'NHS Number' or 'Patient ID', or give a file of ids alone.",
    )
