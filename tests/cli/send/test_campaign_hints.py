"""
From every state of a campaign: what is printed can be typed as it stands, and leads to its end.

It begins with what a person has, `cohort campaigns`. Every command that only looks is typed; then the first
that acts, or the one that the table names. "…" is a person's own words, a question is answered with yes. No
Prefect server runs here: at `cohort message --resume`, at a server to start, and where a second person must
decide, the walk ends.
"""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.outcomes.reasons import CAMPAIGN
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from tests.cli.conftest import Type
from tests.cli.test_next_steps import next_of
from tests.ledgers import add_campaign, add_patients

CLOCK = SystemClock()
LATER = timedelta(days=3)
LOOKS = (
    "cohort campaigns", "cohort show", "cohort review", "cohort outcomes", "cohort approvals",
    "cohort sending status", "cohort server status",
)  # fmt: skip
SENDS = "cohort message --resume 1"
ALLOW = "cohort sending allow"
# A server, another person, or a manager's secret: there a person must go on
ENDS = (
    SENDS,
    "cohort server start",
    "cohort unknown ask",
    "cohort approve",
    "cohort confirm",
    ALLOW,
)
ASKED = ("cohort cancel", "cohort resend")
CONTROLLED = [
    code for code in CAMPAIGN if code.startswith(("halted", "gateway", "canary", "payload", "run-"))
]
HELD = [code for code in CAMPAIGN if code.startswith(("database", "machine"))]
REFUSED = [
    "approval-rejected", "approval-expired", "list-refused", "over-cap", "previewed",
    "nobody-accepted", "warning-not-accepted", "not-confirmed",
]  # fmt: skip
# state, reason, how else it is, the acting command that is wanted, where it ends
TABLE: list[tuple[str, str | None, dict[str, Any], str, str]] = [
    (states.CHECKING, None, {"released_at": None}, "", SENDS),
    (states.AWAITING_APPROVAL, None, {"released_at": None}, "", "cohort approvals"),
    (states.SCHEDULED, None, {"starts": LATER}, "cohort cancel", "cohort campaigns"),
    (states.SCHEDULED, None, {"starts": LATER, "dry_run": True}, "cohort cancel", "cohort campaigns"),
    (states.SCHEDULED, None, {"starts": LATER, "gateway": "outbox"}, "cohort cancel", "cohort campaigns"),
    (states.RUNNING, None, {}, "", SENDS),
    (states.RUNNING, None, {"dry_run": True}, "", SENDS),
    (states.RUNNING, None, {"gateway": "outbox"}, "", SENDS),
    (states.RUNNING, None, {"stopped": True}, ALLOW, ALLOW),
    (states.RUNNING, None, {"stopped": True, "dry_run": True}, "", SENDS),
    (states.CHECKING, None, {"stopped": True, "released_at": None}, ALLOW, ALLOW),
    (states.SCHEDULED, None, {"stopped": True, "starts": LATER}, ALLOW, ALLOW),
    (states.PAUSED, "paused-by-person", {"stopped": True, "dry_run": True}, "cohort resume", SENDS),
    *(
        (states.PAUSED, code, {}, "cohort resume", SENDS)
        for code in ("paused-by-person", "requester-left", *CONTROLLED)
    ),
    (states.PAUSED, "paused-by-person", {}, "cohort cancel", "cohort campaigns"),
    *((states.HELD_CAMPAIGN, code, {}, "cohort resume", SENDS) for code in HELD),
    *((states.HELD_CAMPAIGN, code, {"stopped": True}, ALLOW, ALLOW) for code in HELD),
    (states.PAUSED, "gateway-payment", {"stopped": True}, ALLOW, ALLOW),
    (states.MISSED, "too-late", {"starts": -LATER}, "cohort resume", SENDS),
    (states.MISSED, "too-late", {"starts": -LATER}, "cohort cancel", "cohort campaigns"),
    (states.MISSED, "too-late", {"starts": -LATER, "stopped": True}, ALLOW, ALLOW),
    (states.RECONCILING, None, {"fate": states.UNKNOWN}, "", "cohort campaigns"),
    (states.RECONCILING, None, {"fate": states.UNKNOWN, "ago": LATER}, "", "cohort unknown ask 1"),
    (states.COMPLETED, None, {"fate": states.DELIVERED}, "", "cohort campaigns"),
    (states.COMPLETED, None, {"fate": states.EXPIRED, "dry_run": True}, "", "cohort campaigns"),
    (states.COMPLETED, None, {"fate": states.ACCEPTED, "gateway": "outbox"}, "", "cohort campaigns"),
    *((states.REFUSED, code, {"fate": states.CANCELLED}, "", "cohort campaigns") for code in REFUSED),
    *(
        (states.CANCELLED_CAMPAIGN, code, {"fate": states.CANCELLED}, "", "cohort campaigns")
        for code in ("cancelled-by-person", "request-ended")
    ),
]  # fmt: skip


def states_of_a_campaign() -> set[str]:
    """All that there are."""
    return set(states.CampaignState)


def test_every_state_and_every_reason_of_a_campaign_is_followed() -> None:
    assert states_of_a_campaign() == {state for state, *_ in TABLE}
    assert len(states_of_a_campaign()) >= 10
    assert set(CAMPAIGN) == {reason for _, reason, *_ in TABLE if reason}


def bring_to(record: Record, state: str, reason: str | None, how: dict[str, Any]) -> None:
    """Campaign 1, to three patients, as it stands then."""
    values = dict(how)
    fate, ago = values.pop("fate", None), values.pop("ago", timedelta(0))
    starts, stopped = values.pop("starts", None), values.pop("stopped", False)
    if starts is not None:
        values |= {"start_at": CLOCK.now() + starts, "latest_start": CLOCK.now() + starts}
    add_patients(record, 3)
    add_campaign(record, CLOCK, 3, state=state, state_reason=reason, **values)
    with record.write() as connection:
        if fate is not None:
            moved = {"state": fate, "sent_at": CLOCK.now() - ago, "status_at": CLOCK.now() - ago}
            connection.execute(sa.update(message).values(moved))
        if stopped:
            connection.execute(sa.text("UPDATE installation SET stopped_code = 'database-restored', "
                                       "stopped_by = 'system', stopped_at = created_at"))  # fmt: skip


def state_now(record: Record) -> str:
    with record.read() as connection:
        return str(connection.scalar(sa.select(campaign.c.state).where(campaign.c.id == 1)))


def next_one(open_ones: list[str], wanted: str) -> str:
    """All that looks first, then what is wanted."""
    return next(
        (one for one in open_ones if one.startswith(LOOKS)),
        next((one for one in open_ones if wanted and one.startswith(wanted)), open_ones[0]),
    )


@pytest.mark.parametrize(("state", "reason", "how", "wanted", "last"), TABLE)
def test_what_is_printed_of_a_campaign_leads_to_its_end(
    typed: Type, installed: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    state: str, reason: str | None, how: dict[str, Any], wanted: str, last: str,
) -> None:  # fmt: skip
    """The bar: no hint fails, and none leads back to where it was printed."""
    monkeypatch.chdir(tmp_path)
    bring_to(installed, state, reason, how)
    done: list[tuple[str, str]] = []
    hinted: list[str] = []
    waiting = ["cohort campaigns"]
    while waiting:
        command = next_one(waiting, wanted)
        before = state_now(installed)
        done.append((before, command))
        if command.startswith(ENDS):
            break
        yes = ["--yes"] if command.startswith(ASKED) else []
        told = typed(*shlex.split(command.replace("…", "my own words"))[1:], *yes)
        nobody_works = command == "cohort server status" and told.code == 1
        assert told.code == 0 or nobody_works, (command, told.err)
        new = next_of(told)
        hinted += new
        if state_now(installed) != before:  # it was moved on: what was printed before is past
            waiting = []
        known = [*waiting, command] if state_now(installed) == before else [command]
        waiting = [one for one in waiting if one != command] + [
            one for one in dict.fromkeys(new)
            if one not in known and (state_now(installed), one) not in done
        ]  # fmt: skip
    assert any(one.startswith(last) for one in hinted), (hinted, done)
    if last in (SENDS, ALLOW, "cohort unknown ask 1"):
        assert done[-1][1].startswith(last), done
    elif wanted == "cohort cancel":
        assert state_now(installed) == states.CANCELLED_CAMPAIGN
    else:
        assert state_now(installed) == state
