"""
The states of a campaign, a batch, a submission and a message, and how people are told of them.

A message:

    pending ──► accepted ──► delivered | undelivered      the gateway has it; a receipt came
       │  └───► rejected                                  the gateway will never take it
       ├──────► unknown ──► (accepted, delivered, …)      not known yet: listed, never re-sent
       └──────► suppressed | cancelled | expired | exhausted

`pending` says that no gateway has it *or* that a submission is open for its batch: which of the two
is read from the submission, so that a delivered message costs one INSERT and two UPDATEs.
Few states for the machine; the codes for people are in clinic/cohort/outcomes.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# What gateways and the audit trail know too
from clinic.record.schema.messages import LEFT as LEFT
from clinic.record.schema.messages import OUTBOX as OUTBOX

# --- a message -------------------------------------------------------------------------------------
PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
DELIVERED: Final = "delivered"
UNDELIVERED: Final = "undelivered"
REJECTED: Final = "rejected"
UNKNOWN: Final = "unknown"
SUPPRESSED: Final = "suppressed"
CANCELLED: Final = "cancelled"
EXPIRED: Final = "expired"
EXHAUSTED: Final = "exhausted"
# Why a message is suppressed whose patient is told all the same: clinic/message/sharing/together.py
ONE_MESSAGE: Final = "one_message"

# --- a batch ---------------------------------------------------------------------------------------
READY: Final = "ready"
LEASED: Final = "leased"
DONE: Final = "done"
HELD: Final = "held"  # killed too many workers: a person must look
NOT_DONE: Final = (
    READY,
    LEASED,
    HELD,
)  # in all campaigns by index: of years all but a few are done

# --- a submission ----------------------------------------------------------------------------------
INTENT: Final = "intent"  # written before the first byte left; open
ACKED: Final = "acked"
NOT_SENT: Final = "not_sent"  # proven
AMBIGUOUS: Final = "ambiguous"  # its messages are `unknown`


class CampaignState(StrEnum):
    """What a campaign is. Which may follow which, and the one function that moves it: moves.py."""

    CHECKING = "checking"  # rows are being judged and rendered; nothing can leave
    REFUSED = "refused"  # the gate or a person stopped it; nothing left
    AWAITING_APPROVAL = "awaiting_approval"
    SCHEDULED = "scheduled"  # released, waits for its time
    RUNNING = "running"
    PAUSED = "paused"  # by a person, or halted by itself (state_reason says which)
    HELD = "held"  # the database was restored or cloned: a person must confirm
    MISSED = "missed"  # its latest start went by
    RECONCILING = "reconciling"  # all tried; some are unknown
    COMPLETED = "completed"
    CANCELLED = "cancelled"


CHECKING: Final = CampaignState.CHECKING
REFUSED: Final = CampaignState.REFUSED
AWAITING_APPROVAL: Final = CampaignState.AWAITING_APPROVAL
SCHEDULED: Final = CampaignState.SCHEDULED
RUNNING: Final = CampaignState.RUNNING
PAUSED: Final = CampaignState.PAUSED
HELD_CAMPAIGN: Final = CampaignState.HELD
MISSED: Final = CampaignState.MISSED
RECONCILING: Final = CampaignState.RECONCILING
COMPLETED: Final = CampaignState.COMPLETED
CANCELLED_CAMPAIGN: Final = CampaignState.CANCELLED

# In which a batch may be claimed
SENDING: Final = frozenset({RUNNING})
ENDED: Final = frozenset({REFUSED, COMPLETED, CANCELLED_CAMPAIGN, MISSED})
