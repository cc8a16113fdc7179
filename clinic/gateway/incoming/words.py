"""
The words by which providers and networks say what became of a message, and what each says of it.

docs/gateways.md shows this table; a test compares them. A word that is not here is kept as it came, counted
and listed (`cohort receipts unread`): it never moves a message.
Source: SMPP 3.4 §5.2.28 (message states), and the words of providers' own receipts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from clinic.gateway.received import Said


class Word(NamedTuple):
    """What a word says of the message; `reason`: why, if the word itself tells (network_reasons.py)."""

    says: Said
    reason: str = ""


# What they say → the words, `_` for spaces and hyphens; after it the reason that they imply
TABLE: Final[tuple[tuple[Word, tuple[str, ...]], ...]] = (
    (
        Word("accepted"),
        ("accepted", "acceptd", "sent", "sending", "queued", "pending", "created", "enroute", "en_route",
         "scheduled", "submitted", "dispatched", "buffered", "processed", "deferred", "unknown"),
    ),
    (Word("delivered"), ("delivered", "delivrd", "read", "seen", "received", "success")),
    (
        Word("undelivered"),
        ("undelivered", "undeliv", "undeliverable", "not_delivered", "failed", "failure", "error",
         "temporary_failure", "technical_failure", "delivery_failed", "deleted", "canceled", "cancelled",
         "aborted", "skipped", "bounced", "bounce", "soft_bounce", "dropped", "unnotified"),
    ),
    (Word("undelivered", "expired"), ("expired",)),
    (Word("undelivered", "unknown_subscriber"), ("permanent_failure", "hard_bounce")),
    (Word("undelivered", "rejected_by_operator"), ("rejected", "rejectd")),
    (Word("undelivered", "blacklisted"), ("blocked", "blacklisted", "opted_out")),
    (Word("undelivered", "routing_unavailable"), ("unroutable", "no_route")),
)  # fmt: skip

WORDS: Final[dict[str, Word]] = {name: word for word, names in TABLE for name in names}


def word_of(given: object) -> tuple[str, Word | None]:
    """A status as it is looked up, and what it says; None: nobody knows."""
    text = str(given or "").strip().lower()
    name = "_".join(text.replace("-", " ").replace("_", " ").split())
    return name, WORDS.get(name)


def words_table() -> str:
    """The rows of the table in docs/gateways.md."""
    rows = ["| status | becomes |", "|---|---|"]
    for word, names in TABLE:
        why = f", reason `{word.reason}`" if word.reason else ""
        if word == Word("undelivered"):
            why = ", with the reason of `code`"
        rows.append(f"| {', '.join(f'`{name}`' for name in names)} | {word.says}{why} |")
    return "\n".join(rows) + "\n"
