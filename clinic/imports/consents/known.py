"""
Which decisions the record has from an import: at that moment, or, of an opt-out without one, at any. So what a
patient decides after an import of undated opt-outs counts, however often the file comes again.

An opt-out of a day without a time is of the day's end, and on that day of now. So it is known too where an
import noted one on that day, unless a later consent of that day was imported, which it outweighs.

An opt-out that imports of other sources alone have noted is known, and noted for this source as well, at the
same moment: when another one has it no more, or its import is put back, it holds still (ARC-11).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.consents.reading import OUT
from clinic.imports.journal import NOTED_BY_IMPORTS
from clinic.record.bulk import is_any_of, plain_frame
from clinic.record.schema.people import consent
from clinic.record.schema.systems.imports import import_added, import_run
from clinic.settings import ImportKind

_WHICH: Final = ["patient_id", "channel", "purpose"]
_SAYS: Final = [*_WHICH, "decision", "decided_at"]


def find_known(
    connection: Connection, said: pd.DataFrame, source: str
) -> tuple[pd.Series[bool], pd.Series[pd.Timestamp]]:
    """
    Which of these decisions are known; and of opt-outs that only other sources noted, at which moment.

    Args:
        said: as `read_decisions` gives them, with their patients
    """
    c = consent.c
    query = sa.select(c.id, *(c[name] for name in _SAYS)).where(
        is_any_of(c.patient_id, said["patient_id"].unique().tolist()),
        c.source.in_(NOTED_BY_IMPORTS),
    )
    rows = plain_frame(connection.execute(query))
    rows["decided_at"] = _micros(pd.to_datetime(rows["decided_at"], utc=True, format="ISO8601"))
    known = _is_known(said, rows)
    elsewhere = pd.Series(pd.NaT, said.index, dtype="datetime64[us, UTC]")
    out = known & (said["decision"] == OUT)
    if out.any():
        own = rows[noted_by(connection, rows["id"], "consents", source)]
        out &= ~_is_known(said, own)
    if out.any():
        elsewhere[out] = _moments(said[out], rows)
    return known, elsewhere


def _is_known(said: pd.DataFrame, rows: pd.DataFrame) -> pd.Series[bool]:
    exact = set(rows[_SAYS].itertuples(index=False, name=None))
    ever = {row[:3] for row in exact if row[3] == OUT}
    asked = said[_SAYS].assign(decided_at=_micros(said["decided_at"]))
    undated = said["decided_at"].isna()
    found = [
        row[:3] in ever if no_date else row in exact
        for row, no_date in zip(
            asked.itertuples(index=False, name=None), undated.tolist(), strict=True
        )
    ]
    known = pd.Series(found, said.index, dtype=bool)
    open_day = ~known & ~undated & (said["decision"] == OUT) & (said["since"] < said["decided_at"])
    if open_day.any():
        days = asked[open_day].assign(since=_micros(said.loc[open_day, "since"]))
        known[open_day] = _of_that_day(days, rows)
    return known


def _of_that_day(asked: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Of which of these opt-outs of a day, `since` to `decided_at`, one is the day's last of an import."""
    places = asked[[*_WHICH, "since", "decided_at"]].reset_index(names="place")
    both = places.merge(rows, on=_WHICH, suffixes=("", "_noted"))
    within = both["decided_at_noted"].between(both["since"], both["decided_at"])
    last = both[within].sort_values("decided_at_noted").drop_duplicates("place", keep="last")
    return np.asarray(asked.index.isin(last.loc[last["decision"] == OUT, "place"]))


def noted_by(
    connection: Connection, ids: pd.Series[int], kind: ImportKind, source: str | None = None
) -> np.ndarray:
    """Which of these decisions imports of a kind noted; source: that of this one alone."""
    added, run = import_added.c, import_run.c
    query = (
        sa.select(added.first_id, added.last_id)
        .join(import_run, run.id == added.import_id)
        .where(added.table_name == consent.name, run.kind == kind)
    )
    if source is not None:
        query = query.where(run.source == source)
    spans = np.array(sorted(map(tuple, connection.execute(query))), dtype="int64").reshape(-1, 2)
    if not len(spans):
        return np.zeros(len(ids), dtype=bool)
    last = np.maximum.accumulate(spans[:, 1])
    place = np.searchsorted(spans[:, 0], ids.to_numpy("int64"), side="right") - 1
    mine: np.ndarray = (place >= 0) & (ids.to_numpy("int64") <= last[place])
    return mine


def _moments(said: pd.DataFrame, rows: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """When each of these opt-outs, which are known, was last decided as an import noted it."""
    asked = said[_WHICH].assign(until=_micros(said["decided_at"])).reset_index(names="place")
    undated = said.index[said["decided_at"].isna()]
    both = asked.merge(rows[rows["decision"] == OUT], on=_WHICH)
    both = both[(both["decided_at"] <= both["until"]) | both["place"].isin(undated)]
    last = both.groupby("place")["decided_at"].max().reindex(said.index)
    return pd.to_datetime(last, unit="us", utc=True).astype("datetime64[us, UTC]")


def _micros(instants: pd.Series[pd.Timestamp]) -> pd.Series[int]:
    """Since 1970, to be compared; of none a number that no instant has."""
    return instants.astype("datetime64[us, UTC]").astype("int64")
