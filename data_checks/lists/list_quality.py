"""
What can be said of a list by itself: no campaign, no template, no record is asked.

    block of cells ─► facts ─► screen ─► counts          and of the list as a whole: two verdicts

The rows are judged by the rules that a campaign uses, with everything that only the record knows
taken as good: what is said here a campaign will say too, as far as the list can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from clinic.settings import Settings
from clinic.values.dates import Order, order_of, proven_orders
from data_checks.eligibility.dummies import Dummies
from data_checks.eligibility.eligibility import Screening, screen
from data_checks.eligibility.rules import Channel
from data_checks.eligibility.seen import NOBODY, Seen
from data_checks.gate.gate import judge_intake, judge_list
from data_checks.gate.suites import LIST_ALONE
from data_checks.gate.verdict import Verdict
from data_checks.lists.list_facts import Cells, judge_addresses, list_facts, who_is_meant

if TYPE_CHECKING:
    from clinic.cohort.files import Block


class Rows(Protocol):
    """What is asked of a list: clinic.cohort.files.ListFile, or anything like it."""

    @property
    def columns(self) -> Sequence[str]:
        """The headings, in their order."""

    @property
    def fields(self) -> Mapping[str, str]:
        """Our field name → heading."""

    @property
    def layout(self) -> str:
        """Whose columns they are."""

    def blocks(self) -> Iterator[Block]:
        """Its rows, in order."""


@dataclass(frozen=True)
class ListQuality:
    """
    Counts of a list; no value of it.

    outcomes: code → rows, each row once, by the first error it has; they add up to `rows`
    faults: code → rows, every error wherever it is, so that a row may count twice
    addresses: what is wrong with the list's own mobiles (a key of clinic.values.phone_kinds.KINDS) or
        e-mail addresses (a code) → rows; "" where nothing is; empty if it has no column of them
    """

    rows: int
    channel: Channel
    outcomes: Mapping[str, int]
    faults: Mapping[str, int]
    addresses: Mapping[str, int]
    intake: Verdict
    whole: Verdict

    @property
    def stopped(self) -> bool:
        """Whether a campaign would refuse the list, whatever the record says."""
        return "stop" in (self.intake.outcome, self.whole.outcome)


def check_list(
    source: Rows, *, settings: Settings, today: date, channel: Channel = "sms"
) -> ListQuality:
    """
    Judge every row of a list as far as the list can tell, and the list as a whole.

    Memory: a block of cells, and about 60 bytes for each row.

    Raises:
        ListRefused: the file was changed while it was read
    """
    addresses: Counter[str] = Counter()
    dummies = Dummies()
    screened = list(_screen_all(source, settings, today, channel, addresses, dummies))
    flags = pd.concat([part.flags for part in screened]) if screened else pd.DataFrame()
    scheme = settings.organisation.id_scheme
    return ListQuality(
        rows=len(flags),
        channel=channel,
        outcomes=_outcomes(screened),
        faults=_faults(flags),
        addresses=dict(addresses.most_common()),
        intake=judge_intake(source.columns, source.fields, len(flags), scheme=scheme),
        whole=judge_list(dummies.flags(flags), gate=settings.gate, ceilings=LIST_ALONE),
    )


def _screen_all(
    source: Rows,
    settings: Settings,
    today: date,
    channel: Channel,
    addresses: Counter[str],
    dummies: Dummies,
) -> Iterator[Screening]:
    seen = Seen()
    order = _date_order(source)
    for block in source.blocks():
        cells = Cells(block, source.fields)
        facts = list_facts(cells, organisation=settings.organisation, today=today, date_order=order)
        judged = judge_addresses(cells, phones=settings.phones, channel=channel)
        if judged is not None:
            addresses.update(judged["kind"].tolist())
            facts["address_fault"] = _certain(judged["fault"], settings)
        # As in a campaign: only a row that nothing else speaks against makes a later one a repeat
        facts["duplicate_of"] = pd.array([pd.NA] * len(facts), dtype="Int64")
        alone = screen(facts, channel=channel)
        people = np.where(alone.outcome == "accepted", who_is_meant(cells), NOBODY)
        facts["duplicate_of"] = seen.earlier(people, facts.index)
        screening = screen(facts, channel=channel)
        if judged is not None:
            own = (screening.outcome == "accepted").to_numpy(dtype=bool)
            written = cells["email" if channel == "email" else "mobile"]
            dummies.add(written, judged["address"], own)
        yield screening


def _date_order(source: Rows) -> Order:
    born = source.fields.get("birth_date")
    proven: set[Order] = set()
    if born is not None:
        for block in source.blocks():
            proven |= proven_orders(block.frame[born].unique())
    return order_of(source.layout, proven)


def _certain(faults: pd.Series[str], settings: Settings) -> pd.Series[str]:
    """
    Faults of addresses that no record can fix.

    An empty cell is none, since the record may have the number; and where the record's number goes
    before the list's, nothing that the list has is certain to be used.
    """
    if settings.organisation.address_from == "record":
        return pd.Series("", index=faults.index, dtype="str")
    return faults.mask(faults.isin(["phone_missing", "email_missing"]), "")


def _outcomes(screened: Sequence[Screening]) -> dict[str, int]:
    """In the vocabulary's order, those that occur."""
    if not screened:
        return {}
    counts = sum(part.outcome.value_counts(sort=False).sort_index() for part in screened)
    return {str(code): int(rows) for code, rows in pd.Series(counts).items() if rows}


def _faults(flags: pd.DataFrame) -> dict[str, int]:
    """In the order of the rules, those that occur."""
    return {str(code): int(rows) for code, rows in (~flags).sum().items() if rows}
