"""
What each patient of a block needs, and what becomes of it: an outcome that leads to a person, the template's
version in their language and form, or their proxy's address (NEW-32).

    place of stay ─► preferred channel ─► language ─► format        the first that speaks against it counts

Whoever is written to through a proxy is not where the message goes: their place of stay stops nothing.
"""

from __future__ import annotations

from typing import Any, Final

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
from clinic.record.bulk import among_ids, plain_frame
from clinic.record.schema.clinical import patient_need
from clinic.settings import Needs

PLACE_OF_STAY: Final = "place_of_stay"
PREFERS_OTHER: Final = "prefers_other"
# In the order in which they count
CODES: Final = (PLACE_OF_STAY, PREFERS_OTHER, NEEDS_INTERPRETER, NEEDS_FORMAT)
_CHANNELS: Final = ("sms", "email", "voice")


def other_channels(channel: str, needs: Needs) -> list[str]:
    """Those that speak against this one where a patient prefers them."""
    return [one for one in _CHANNELS if one != channel] if needs.obey_channel else []


def need_columns(channel: str) -> list[sa.ColumnElement[Any]]:
    """What is asked of `patient_need`, beside `prefers`, the channel of the patient's record."""
    own = patient_need.c
    proxy = (own.proxy_email if channel == "email" else own.proxy_mobile).label("proxy")
    return [own.language, own.interpreter, own.formats, own.stay, own.proxy_consent, proxy]


def read_needs(
    connection: Connection, patients: pd.Series[int], prefers: pd.Series[str], *, channel: str,
    needs: Needs,
) -> pd.DataFrame:  # fmt: skip
    """
    Those of these patients of whom anything is known that speaks of messages, by id.

    Args:
        patients: ids, empty where nobody knows who is meant; prefers: the channel of each, same index
    """
    own = patient_need.c.patient_id
    rows = sa.select(own.label("id"), *need_columns(channel))
    of_them = among_ids(connection, rows, own, patients)
    found = plain_frame(connection.execute(of_them)).set_index("id")
    other = prefers.isin(other_channels(channel, needs)).to_numpy(dtype=bool)
    if found.empty and not other.any():
        return found.assign(prefers=None)
    # The table may be read whole: whose row none of these patients has is left out here
    asked = patients[other | patients.isin(found.index).to_numpy(dtype=bool)]
    known = prefers[asked.index].set_axis(asked.tolist()).groupby(level=0).first()
    return found.reindex(known.index).assign(prefers=known)


def judge_needs(
    connection: Connection,
    patients: pd.Series[int],
    known: pd.DataFrame,
    *,
    campaign_id: int,
    channel: str,
    needs: Needs,
) -> pd.DataFrame:
    """
    What these patients need.

    Args:
        patients: ids, empty where nobody knows who is meant
        known: by id, `prefers` and the columns of `need_columns`, of those of whom anything is known, and more

    Returns:
        same index: `needs`, one of CODES or ""; `variant`, Int64: the version in their language and form
        (empty: the campaign's own); `by_proxy`; `proxy`: the address of whoever is written to in their place
    """
    frame = pd.DataFrame(
        {
            "needs": "", "by_proxy": False, "proxy": "",
            "variant": pd.Series(pd.NA, patients.index, dtype="Int64"),
        },
        index=patients.index,
    )  # fmt: skip
    others = other_channels(channel, needs)
    known = known[known["proxy_consent"].notna() | known["prefers"].isin(others)]
    if known.empty:
        return frame
    which = patients.isin(known.index).to_numpy(dtype=bool)
    found = _plain(known).loc[patients[which].tolist()]
    variants = variants_of(connection, campaign_id, needs.language)
    if channel == "voice":
        variants = variants.spoken()
    met = frozenset({channel, *needs.formats_met})
    keys = found["language"] + "|" + found["interpreter"] + "|" + found["formats"]
    judged = {key: _suits(key, met, variants) for key in keys.unique().tolist()}
    outcome = keys.map(lambda key: judged[key][0])
    outcome = outcome.mask(found["prefers"].isin(others), PREFERS_OTHER)
    outcome = outcome.mask((found["stay"] != "") & ~found["by_proxy"], PLACE_OF_STAY)
    frame.loc[which, "needs"] = outcome.to_numpy()
    frame.loc[which, "variant"] = keys.map(lambda key: judged[key][1]).astype("Int64").array
    frame.loc[which, "by_proxy"] = found["by_proxy"].to_numpy()
    frame.loc[which, "proxy"] = found["proxy"].to_numpy()
    return frame


def _plain(known: pd.DataFrame) -> pd.DataFrame:
    """Without nulls."""
    found = pd.DataFrame(index=known.index)
    for name in ("prefers", "language", "formats", "stay", "proxy"):
        found[name] = known[name].fillna("").astype("str")
    found["interpreter"] = known["interpreter"].map({True: "yes", False: "no"}).fillna("")
    found["by_proxy"] = known["proxy_consent"].eq(True)
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
