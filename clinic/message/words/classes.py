"""The classes of what the content gate finds, for what must know them without reading the word lists."""

from __future__ import annotations

from typing import Final

CLASSES: Final = (
    "bad_news", "end_of_life", "sexual_reproductive", "mental_health", "substance_use", "safeguarding",
    "results", "urgency", "shorthand", "identity", "secret",
)  # fmt: skip
CODE: Final = "content_"  # and the class: what `--accept` names

PLACEHOLDER, UNFILLED = "placeholder", "unfilled"
PERSONAL: Final = "personal"  # of a correction alone
SHORTENER, DOMAIN, REPLY, UNNAMED = "shortener", "domain", "reply", "unnamed"
DAY_WORD = "day_word"
MARKETING, UNSTOPPED = "marketing", "unstopped"
HOURS, URGENT_HELP = "hours", "urgent_help"
# Asks to call, faster than the lines take calls (content.calls_an_hour); more in an hour than on a whole day
CALLING, CALL = "calling", "call"
SIZE: Final = "unusual_size"  # a code by itself: of the campaign as a whole
NEUTRAL: Final = (
    "neutral"  # nothing to accept: a reminder that says less because its visit is sensitive
)

# Besides the classes of the word list: what is found, and what to do
OTHERS: Final[dict[str, tuple[str, str]]] = {
    PLACEHOLDER: (
        "The message has what looks like a place to be filled",
        "Write a variable such as {{ patient.given_name }} or {{ organisation.phone }} there",
    ),
    UNFILLED: (
        "A value of the list looks like a place to be filled, or like no value",
        "Correct the list and send it again",
    ),
    SHORTENER: (
        "The message has a link that hides where it leads",
        "Write the whole address there: patients are told not to trust such links",
    ),
    DOMAIN: (
        "The message has a link to a domain that content.domains does not name",
        "Check where it leads",
    ),
    REPLY: (
        "The message asks for a reply, and nobody reads replies here: neither receipts.secret nor "
        "receipts.pull is set",
        "Say what to do instead, such as whom to call",
    ),
    PERSONAL: (
        "The correction prints values of each patient, and the message that it corrects may have reached "
        "somebody else",
        "Write it without names",
    ),
    CALL: ("The message asks to call", "Spread it over more time"),
    UNNAMED: (
        "The message does not say whose it is, by the practice's name or one of content.short_names",
        "Write {{ organisation.name }}",
    ),
    DAY_WORD: (
        "The message names a day that is another one if it is sent on another day, and it may be: it is "
        "scheduled, spread over days or slow, today's hours are over, or it was first asked for on another day",
        "Write the date",
    ),
    MARKETING: (
        "The message looks like marketing, and is sent for another purpose",
        "Send it for marketing, to those who consented to that (--purpose marketing)",
    ),
    UNSTOPPED: (
        "The message is marketing and does not say how to stop",
        "Write how, such as: To stop these messages call us, or reply STOP where replies are read",
    ),
    HOURS: (
        "The message does not say when the practice can be reached, which the template's class asks for",
        "Write its hours, such as: Monday to Friday 8am to 6.30pm",
    ),
    URGENT_HELP: (
        "The message does not say whom to call if closed or urgent, which the template's class asks for",
        "Write, for example: when we are closed call 111, in an emergency 999",
    ),
}
# What nobody can accept: it is changed
REFUSED: Final = frozenset({SHORTENER, REPLY, UNSTOPPED})
