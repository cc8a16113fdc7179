"""
What each patient of a block needs, and what becomes of it: an outcome that leads to a person, the template's
version in their language and form, or their proxy's address (NEW-32).

    place of stay ─► preferred channel ─► language ─► format        the first that speaks against it counts

Whoever is written to through a proxy is not where the message goes: their place of stay stops nothing.
"""

from __future__ import annotations

from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.needs.variants import (
    NEEDS_FORMAT,
    NEEDS_INTERPRETER,
    Variants,
    suits,
    variants_of,
)
from clinic.record.bulk import is_any_of, plain_frame
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.people import patient
from clinic.settings import Needs

PLACE_OF_STAY: Final = "place_of_stay"
PREFERS_OTHER: Final = "prefers_other"
# In the order in which they count
CODES: Final = (PLACE_OF_STAY, PREFERS_OTHER, NEEDS_INTERPRETER, NEEDS_FORMAT)
_CHANNELS: Final = ("sms", "email", "voice")


def judge_needs(
    connection: Connection,
    patients: pd.Series[int],
    *,
    campaign_id: int,
    channel: str,
    needs: Needs,
) -> pd.DataFrame:
    """
    What these patients need; one statement.

    Args:
        patients: ids, empty where nobody knows who is meant

    Returns:
        same index: `needs`, one of CODES or ""; `variant`, Int64: the version in their language and form
        (empty: the campaign's own); `by_proxy`; `proxy`: the address of whoever is written to in their place
    """
    found = _read(connection, patients, channel)
    frame = pd.DataFrame(
        {
            "needs": "",
            "variant": pd.array([pd.NA] * len(patients), dtype="Int64"),
            "by_proxy": False,
        },
        index=patients.index,
    )
    frame["proxy"] = pd.Series("", patients.index, dtype="str")
    if found.empty:
        return frame
    variants = variants_of(connection, campaign_id, needs.language)
    met = frozenset({channel, *needs.formats_met})
    keys = found["language"] + "|" + found["interpreter"] + "|" + found["formats"]
    judged = {key: _suits(key, met, variants) for key in keys.unique().tolist()}
    outcome = keys.map(lambda key: judged[key][0])
    if needs.obey_channel:
        other = found["prefers"].isin(_CHANNELS) & (found["prefers"] != channel)
        outcome = outcome.mask(other, PREFERS_OTHER)
    by_proxy = found["by_proxy"]
    outcome = outcome.mask((found["stay"] != "") & ~by_proxy, PLACE_OF_STAY)
    known = patients.map(dict(zip(found["id"], range(len(found)), strict=True)))
    own = known.dropna().index
    at = known.loc[own].astype(int).to_numpy()
    frame.loc[own, "needs"] = outcome.to_numpy()[at]
    frame.loc[own, "variant"] = keys.map(lambda key: judged[key][1]).astype("Int64").array[at]
    frame.loc[own, "by_proxy"] = by_proxy.to_numpy()[at]
    frame.loc[own, "proxy"] = found["proxy"].to_numpy()[at]
    return frame


def _read(connection: Connection, patients: pd.Series[int], channel: str) -> pd.DataFrame:
    """Those of these patients of whom anything is known."""
    own = patient_need.c
    address = own.proxy_email if channel == "email" else own.proxy_mobile
    prefers = patient.c.preferred_channel
    rows = connection.execute(
        sa.select(
            patient.c.id, prefers.label("prefers"), own.language, own.interpreter, own.formats,
            own.stay, own.proxy_consent, address.label("proxy"),
        )
        .outerjoin(patient_need, own.patient_id == patient.c.id)
        .where(
            is_any_of(patient.c.id, patients.dropna().unique().tolist()),
            own.patient_id.is_not(None) | prefers.is_not(None),
        )
    )  # fmt: skip
    found = plain_frame(rows)
    found["interpreter"] = found["interpreter"].map({True: "yes", False: "no"}).fillna("")
    found["by_proxy"] = found["proxy_consent"].eq(True)
    texts = ["prefers", "language", "formats", "stay", "proxy"]
    found[texts] = found[texts].fillna("").astype("str")
    found["proxy"] = found["proxy"].where(found["by_proxy"], "").str.strip()
    return found


def _suits(key: str, met: frozenset[str], variants: Variants) -> tuple[str, int | None]:
    language, interpreter, formats = key.split("|")
    needed = set(formats.split()) - met
    return suits(language, {"yes": True, "no": False}.get(interpreter), needed, variants)


def stays_somewhere(patients: sa.Select[tuple[int]]) -> sa.Select[tuple[int]]:
    """Those of these patients whose place of stay stops messages; asked again at the moment of sending."""
    own = patient_need.c
    return sa.select(own.patient_id).where(
        own.patient_id.in_(patients), own.stay.is_not(None), ~own.proxy_consent
    )
