"""The ids of messages in campaigns that tests put into the ledger: told from the campaign's number."""

from __future__ import annotations

from clinic.message import codes


def base_of(campaign_id: int) -> int:
    """Where the ids of such a campaign's messages begin; a product's campaign draws its own."""
    return campaign_id * codes.ROOM


def message_id(campaign_id: int, row_number: int) -> int:
    """The message on this row of such a campaign."""
    return codes.message_id(base_of(campaign_id), row_number)
