"""What became of each id that was given for a selection, as the terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from cli import console
from cli.looks.noting import looked

if TYPE_CHECKING:
    from clinic.change.selection.given import GivenRow
    from clinic.record.database import Record
    from clinic.settings import Settings


def show_given(
    record: Record,
    settings: Settings,
    selection_id: int,
    *,
    outcomes: Sequence[str] = (),
    but: Sequence[str] = (),
    limit: int,
    page: int,
    json: bool,
) -> None:
    """A page of a selection's rows, under the sentence that counts them all; with `json` all of them."""
    from clinic.change.selection.given import given_sentence, read_given, taken_over

    skip = (page - 1) * limit
    if json:
        every = list(read_given(record, selection_id, outcomes=outcomes, but=but))
        _note(record, settings, selection_id, every)
        return console.show_json([asdict(each) for each in every])
    shown = list(
        read_given(record, selection_id, outcomes=outcomes, but=but, limit=limit, skip=skip)
    )
    _note(record, settings, selection_id, shown)
    if told := given_sentence(record, selection_id):
        console.say_plain(f"Selection {selection_id}: {told}")
    console.show_table(
        f"{skip + 1:,} to {skip + len(shown):,}" if shown else "No more",
        ["Part", "Row", "Given", "Outcome", "Patient", "Name", "What it means"],
        [(x.part, x.row, x.given, x.outcome, x.patient, x.name, x.says) for x in shown],
        right=(1,),
    )
    more = [f"cohort operations selection {selection_id} --page {page + 1}"]
    console.next_commands(
        *(more if len(shown) == limit else []),
        *(f"cohort operations selection {each}" for each in taken_over(record, selection_id)),
        f"cohort operations selection {selection_id} --csv FILE",
    )
    return None


def _note(record: Record, settings: Settings, selection_id: int, shown: Sequence[GivenRow]) -> None:
    """Log that these will be shown."""
    from clinic.govern.access.look import Look, known_as

    with record.read() as connection:
        keys = known_as(connection, [each.patient for each in shown])
    looked(record, settings, Look("selection", selection_id, len(shown), keys))
