"""
Decisions to be messaged or not, as patients make them by themselves: STOP, START, one click in an e-mail.

A decision stands in two places. On the *number or address* itself (`address_decision`), in the transaction
that takes it in: from the next intent on nothing is sent to it, whosever it is. And on the *patient*
of the record who sent it (`consent`), where staff see it and where a later decision overrules it; of others who
have the number a person decides (clinic/message/incoming/shared_stop.py).
The latest wins: a number that said STOP is messaged again after START, and a patient on it whom staff
opted in after that (NEW-5; formats.md, opt-out words).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import message
from clinic.record.schema.people import EMAIL_PLAIN, MOBILE_TAIL, TAIL_DIGITS, consent, patient
from clinic.record.schema.receipts import address_decision
from clinic.settings import Phones
from clinic.values.phone import judge_for
from clinic.values.purposes import decided_by


@dataclass(frozen=True, slots=True)
class Decision:
    """Opt in or out by a number or address. `evidence`: "reply 12"."""

    channel: str
    address: str
    decision: str
    decided_at: datetime
    evidence: str


def decide_addresses(connection: Connection, decisions: Iterable[Decision]) -> None:
    """Write what numbers and addresses decided; one that is older than what stands there changes nothing."""
    latest: dict[tuple[str, str], Decision] = {}
    for one in decisions:
        key = (one.channel, one.address)
        if key not in latest or one.decided_at >= latest[key].decided_at:
            latest[key] = one
    if not latest:
        return
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
        address_decision
    )
    new = insert.excluded
    statement = insert.on_conflict_do_update(
        index_elements=["channel", "address"],
        set_={name: new[name] for name in ("decision", "decided_at", "evidence")},
        where=new.decided_at >= address_decision.c.decided_at,
    )
    rows = [
        {
            "channel": one.channel, "address": one.address, "decision": one.decision,
            "decided_at": one.decided_at, "evidence": one.evidence,
        }
        for _, one in sorted(latest.items())
    ]  # fmt: skip
    connection.execute(statement, rows)


def find_sharers(
    connection: Connection, channel: str, addresses: Iterable[str], phones: Phones
) -> dict[str, list[int]]:
    """
    The patients who have one of these addresses now, by address; however the practice wrote it.

    One statement, whatever the number of addresses, and by an index.

    Args:
        addresses: E.164, or e-mail addresses in lower case
    """
    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    if channel == "email":
        column: ColumnElement[Any] = patient.c.email
        which = is_any_of(sa.literal_column(EMAIL_PLAIN, sa.Text), wanted)
    else:
        column = patient.c.mobile
        tails = {address[-TAIL_DIGITS:] for address in wanted}
        which = is_any_of(sa.literal_column(MOBILE_TAIL, sa.Text), tails)
    rows = connection.execute(
        sa.select(patient.c.id, column).where(which).order_by(patient.c.id)
    ).all()
    texts = pd.Series([row[1] for row in rows], dtype="str")
    judged = judge_for(channel, texts, phones)
    found: dict[str, list[int]] = {address: [] for address in wanted}
    for row, address in zip(rows, judged["address"].tolist(), strict=True):
        if address in found:
            found[address].append(row[0])
    return found


def write_consents(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert decisions of patients: patient_id, channel, purpose, decision, decided_at, source, code."""
    if rows:
        connection.execute(sa.insert(consent), list(rows))


def refusing_addresses(
    channel: str, purpose: str, campaign_id: int, patients: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]]:
    """
    The ids among `patients` of a campaign to whose own message's address the latest decision is STOP.

    Somebody who was opted in by themselves after that is not among them.
    """
    return (
        sa.select(message.c.patient_id)
        .join(
            address_decision,
            (address_decision.c.channel == channel)
            & (address_decision.c.address == message.c.address),
        )
        .where(
            message.c.campaign_id == campaign_id,
            message.c.patient_id.in_(patients),
            address_decision.c.decision == "opt_out",
            ~_opted_in_since(channel, purpose, message.c.patient_id),
        )
    )


def _opted_in_since(
    channel: str, purpose: str, patient_id: ColumnElement[int]
) -> ColumnElement[bool]:
    return (
        sa.select(consent.c.id)
        .where(
            consent.c.patient_id == patient_id,
            consent.c.channel.in_([channel, "any"]),
            consent.c.purpose.in_(decided_by(purpose)),
            consent.c.decision == "opt_in",
            consent.c.decided_at > address_decision.c.decided_at,
        )
        .exists()
    )


def refused(
    connection: Connection, facts: pd.DataFrame, *, channel: str, purpose: str
) -> pd.Series[str]:
    """
    Which rows may not be messaged because of what their number or address decided: its evidence, else "".

    Args:
        facts: `patient_id` Int64 and `address` ("" where there is none)
    """
    addresses = facts.loc[facts["address"] != "", "address"].unique().tolist()
    rows = connection.execute(
        sa.select(
            address_decision.c.address, address_decision.c.decided_at, address_decision.c.evidence
        ).where(
            address_decision.c.channel == channel,
            address_decision.c.decision == "opt_out",
            is_any_of(address_decision.c.address, addresses),
        )
    ).all()
    stops = {row.address: row for row in rows}
    hit = facts["address"].isin(list(stops))
    since = _opted_in(connection, channel, purpose, facts.loc[hit, "patient_id"]) if stops else {}
    evidence = pd.Series("", index=facts.index, dtype="str")
    for number, address, patient_id in facts.loc[hit, ["address", "patient_id"]].itertuples():
        stop = stops[address]
        if since.get(patient_id, stop.decided_at) <= stop.decided_at:
            evidence[number] = stop.evidence
    return evidence


def _opted_in(
    connection: Connection, channel: str, purpose: str, ids: pd.Series[int]
) -> dict[int, datetime]:
    """When these patients were last opted in by themselves."""
    rows = connection.execute(
        sa.select(consent.c.patient_id, consent.c.decided_at).where(
            is_any_of(consent.c.patient_id, ids.dropna().tolist()),
            consent.c.channel.in_([channel, "any"]),
            consent.c.purpose.in_(decided_by(purpose)),
            consent.c.decision == "opt_in",
        )
    )
    latest: dict[int, datetime] = {}
    for key, at in rows:
        latest[key] = max(at, latest.get(key, at))
    return latest
