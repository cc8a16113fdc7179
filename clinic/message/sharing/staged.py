"""
How a campaign's texts speak to numbers that several patients have, as they are staged (NEW-27).

    adults who share a number     no name; a sensitive text is not sent; one message where the text is the same
    children on a shared number   "To the parent or guardian of Ann: …"; a sensitive text is not sent
    an unconfirmed number         a sensitive text is not sent

Sensitive is a text by its words (clinic/message/words), as the patient would read it, or by its template. What
is left out here is asked again in the intent to send (now.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.columns import ALIASES
from clinic.cohort.rows import ListSource
from clinic.message.audience.audience import audience_of
from clinic.message.audience.classes import SENSITIVE
from clinic.message.campaign.campaign import Campaign
from clinic.message.purposes import STAFF_LIST
from clinic.message.safety.accepted import acceptances_of
from clinic.message.sharing.holders import DRAMA
from clinic.message.sharing.looked_into import Question, nobody
from clinic.message.sharing.standing import (
    CHILD,
    CODES,
    GUARDIAN,
    NAME,
    NAMED,
    NEUTRAL,
    left_out,
    standing_of,
)
from clinic.message.template.template import CompiledTemplate, compile_template
from clinic.message.template.typography import plain
from clinic.message.template.variables import Setting, allowed_variables, list_variables
from clinic.message.words.classes import NEUTRAL as NEUTRAL_REMINDER
from clinic.message.words.judging import Hit
from clinic.record.bulk import is_any_of
from clinic.record.schema.lists import template, template_version
from clinic.record.schema.messages import recipient

if TYPE_CHECKING:
    import numpy.typing as npt

_NAMES: Final = ("given_name", "family_name", "full_name", "title")
_FIRST: Final[tuple[str, ...]] = ("patient.given_name", "patient.full_name")
_LAST: Final = ("patient.title",)
_OF_PATIENT: Final = frozenset(f"patient.{name}" for name in _NAMES)


@dataclass(frozen=True)
class Manner:
    """
    How a campaign speaks.

    names: the variables that tell who is meant
    guardian: what texts to children begin with; None: children on a shared number get none
    sensitive: whether its template is of that class, whatever it says
    also: `address` and `other`: who has an address of several by the list itself
    accepted: codes for which a named person answers
    """

    question: Question
    names: frozenset[str]
    guardian: CompiledTemplate | None
    sensitive: bool
    also: pd.DataFrame
    accepted: frozenset[str]
    no_name: str
    classes: frozenset[str]
    to_staff: bool
    plain: bool  # typographic characters give way to plain ones

    @property
    def variables(self) -> tuple[str, ...]:
        """What the words to a guardian speak of."""
        return self.guardian.variables if self.guardian else ()


def manner_of(
    connection: Connection,
    job: Campaign,
    source: ListSource,
    setting: Setting,
) -> Manner:
    """How this campaign speaks, as its template and the settings have it."""
    sharing = setting.sharing
    row = connection.execute(
        sa.select(template.c.key, template.c.message_type)
        .join(template_version, template_version.c.template_id == template.c.id)
        .where(template_version.c.id == job.template_version_id)
    ).one()
    of_template = {row.key, row.message_type}
    words = "" if of_template & set(sharing.not_to_guardians) else sharing.to_guardian
    return Manner(
        question=Question(job.channel, setting.now.date(), sharing, setting.phones),
        names=_OF_PATIENT | _name_columns(source),
        guardian=compile_template(words, allowed=allowed_variables()) if words.strip() else None,
        sensitive=SENSITIVE in audience_of(connection, job.template_version_id).classes,
        also=_of_the_list(connection, job.id),
        accepted=frozenset(one.code for one in acceptances_of(connection, job.id)) & set(CODES),
        no_name=sharing.no_name,
        classes=frozenset({*sharing.sensitive, NEUTRAL_REMINDER}),
        to_staff=source.source == STAFF_LIST,
        plain=job.channel == "sms" and setting.organisation.plain_typography,
    )


def _name_columns(source: ListSource) -> frozenset[str]:
    """The list's columns that hold a name, by their headings."""
    known = {_plain(alias) for name in _NAMES for tier in ALIASES[name] for alias in tier}
    known |= {"salutation", "greeting"}
    return frozenset(
        name
        for name, place in list_variables(source.columns).items()
        if _plain(source.columns[place]) in known
    )


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z]", "", heading.casefold())


def _of_the_list(connection: Connection, campaign_id: int) -> pd.DataFrame:
    """Who has an address that several rows of the list have: the record need not know of it."""
    own = recipient.c
    accepted = (own.campaign_id == campaign_id) & (own.outcome == "accepted")
    several = connection.scalars(
        sa.select(own.address)
        .where(accepted)
        .group_by(own.address)
        .having((sa.func.count() > 1) & own.address.not_like(DRAMA + "%"))
    ).all()
    if not several:
        return nobody()
    found = connection.execute(
        sa.select(own.address, own.patient_id).where(accepted, is_any_of(own.address, several))
    ).all()
    return pd.DataFrame(
        {
            "address": pd.Series([row[0] for row in found], dtype="str"),
            "other": pd.Series([row[1] for row in found], dtype="int64"),
        }
    )


def look(
    connection: Connection, manner: Manner, rows: pd.DataFrame, known: pd.DataFrame
) -> pd.DataFrame:
    """What the address of each row is to its patient (standing.py); known: as `look_into` gives it."""
    return standing_of(connection, rows, known, manner.question, manner.also)


def without_names(
    manner: Manner, values: pd.DataFrame, standing: pd.DataFrame, variables: Sequence[str]
) -> pd.DataFrame:
    """The values of the variables, with no name where adults share the number; `variables`: of the texts."""
    which = standing["adults"].to_numpy(dtype=bool)
    names = _naming(manner, variables)
    if not names or not which.any() or manner.to_staff:
        return values
    changed = values.copy()
    for name in names:
        changed.loc[which, name] = ""
    # One stands for all: "Dear Mrs Rees" is "Dear patient"; a text in another language may have another one
    for name in {*(name for name in _FIRST if name in names)} or {names[0]}:
        changed.loc[which, name] = manner.no_name
    return changed


def _naming(manner: Manner, variables: Sequence[str]) -> list[str]:
    """Those of the variables that tell who is meant; a family name before the title."""
    return sorted(manner.names.intersection(variables), key=lambda name: (name in _LAST, name))


def speak(
    manner: Manner, rows: pd.DataFrame, values: pd.DataFrame, standing: pd.DataFrame,
    hits: Iterable[Hit], fixed: str, variables: Sequence[str],
) -> None:  # fmt: skip
    """
    Note in `sensitive`, `greeting` and `left` how each text speaks, and why it may not be sent; "" if it may.

    Texts to children on a shared number then begin with whom they are for.

    Args:
        fixed, variables: the texts' own words, and what they speak of
    """
    rows["unconfirmed"] = False
    rows["left"] = pd.Series("", rows.index, dtype="str")
    sensitive = np.full(len(rows), manner.sensitive and not manner.to_staff)
    greeting = np.full(len(rows), "", dtype=object)
    rows["sensitive"], rows["greeting"] = sensitive, greeting
    if manner.to_staff:
        return
    for hit in hits:
        if hit.phrase.subject in manner.classes:
            sensitive[hit.places] = True
    rows["sensitive"] = sensitive
    is_any = {
        name: standing[name].to_numpy(dtype=bool)
        for name in ("adults", "shared", "young", "unconfirmed", "proxy")
    }
    greeting[:] = NAME if _naming(manner, variables) else ""
    greeting[is_any["adults"]] = NEUTRAL
    _tidy(rows, standing)
    greeting[_address_guardians(manner, rows, values, standing)] = GUARDIAN
    greeting[_names_the_patient(rows, standing, fixed)] = NAMED
    as_written = greeting != GUARDIAN
    child = is_any["shared"] | (is_any["young"] & sensitive)
    greeting[child & as_written & ~is_any["proxy"]] = CHILD
    rows["greeting"] = greeting
    rows["left"] = left_out(standing, rows["sensitive"], rows["greeting"], manner.accepted)
    rows["unconfirmed"] = is_any["unconfirmed"] & as_written


def _tidy(rows: pd.DataFrame, standing: pd.DataFrame) -> None:
    """Where a name is out, what stood around it closes up: "Dear  patient ," is "Dear patient,"."""
    which = standing["adults"]
    if not which.any():
        return
    bodies = rows.loc[which, "body"].str.replace(r" {2,}", " ", regex=True)
    rows.loc[which, "body"] = bodies.str.replace(r" +([,.;:!?])", r"\1", regex=True)


def _address_guardians(
    manner: Manner, rows: pd.DataFrame, values: pd.DataFrame, standing: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Write to the guardians of children on a shared number; which texts now begin with that."""
    if manner.guardian is None or not standing["shared"].any():
        return np.zeros(len(rows), dtype=bool)
    which = standing["shared"] & (~rows["sensitive"] | standing["proxy"])
    for name in manner.guardian.required:
        which &= values[name].fillna("").astype("str").ne("")
    if which.any():
        words = manner.guardian.render_frame(values[which])
        rows.loc[which, "body"] = [
            (plain(one) if manner.plain else one) + body
            for one, body in zip(words, rows.loc[which, "body"], strict=True)
        ]
    return which.to_numpy(dtype=bool)


def _names_the_patient(
    rows: pd.DataFrame, standing: pd.DataFrame, fixed: str
) -> npt.NDArray[np.bool_]:
    """Whether a text names its patient all the same: a column of the list may have any heading."""
    which = standing["adults"].to_numpy(dtype=bool)
    found = np.zeros(len(rows), dtype=bool)
    if not which.any():
        return found
    own = set(re.findall(r"\w+", fixed))  # "Will you come": no name
    names = standing.loc[which, "given_name"].str.strip().tolist()
    bodies = rows.loc[which, "body"].tolist()
    found[which] = [
        len(name) > 2 and name not in own and bool(re.search(rf"\b{re.escape(name)}\b", body))
        for name, body in zip(names, bodies, strict=True)
    ]
    return found
