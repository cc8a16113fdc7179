"""
What a list itself says against messaging its rows (NEW-26): whatever the column is called.

    heading                                     a row is left out by
    Date of Death, Deceased                     a date, or yes
    Deducted, Date left, Deregistered           a date, or yes
    Sensitive, Safeguarding, Domestic abuse     yes
    Do not contact, Do not text, No contact     yes
    Declined, Dissent, Opted out                a date, or yes
    Consent, Permission, Opted in, OK to text   no

A column of this kind with cells that are neither stops the list until a person says what they mean: those rows
stay left out. A column that speaks of another channel alone is passed over. Of "Text?" and "SMS" a no counts,
and whatever else they hold says nothing. Under other headings the cells speak for themselves (cells.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Final

import pandas as pd

from clinic.message.intake.cells import UNCLEAR, says_in, speaks, words_of
from clinic.values.text import judge_each_once

# In the order in which they count
_KINDS: Final = (
    (
        "list_says_dead",
        r"dates? ?of ?death|death ?date|deceased|\bdied\b|\bdod\b|^dead$|^death$|^rip$|passed ?away"
        r"|\b(?:wedi ?marw|bu ?farw|marwolaeth|ymadawedig)",
    ),
    (
        "list_says_sensitive",
        r"sensitiv|confidentialit|safeguarding|domestic ?(?:abuse|violence)|\bs flag\b|\bmarac\b"
        r"|child ?protection|\bdiogelu\b|(?:trais|cam ?drin) ?(?:yn ?y ?cartref|domestig)",
    ),
    (
        "list_says_no_contact",
        r"\b(?:do ?not|dont|never|no|stop|not ?to ?be) ?(?:further |more )?(?:be ?)?"
        r"(?:text|contact|call|phone|message|sms|e ?mail)(?:s|ed)?\b|^dnc$|\bexclu(?:de|ded|sions?)\b|suppress"
        r"|peidiwch ?a ?(?:thecstio|chysylltu|ffonio)",
    ),
    (
        "list_says_left",
        r"deduct|deregister|de registered|left ?(?:the ?)?(?:practice|surgery)|date ?left|^leaver$"
        r"|leaving ?date|date ?of ?leaving|(?:moved|gone) ?away|no ?longer|transferred ?out|wedi ?gadael",
    ),
    (
        "list_says_declined",
        r"declin|dissent|opt(?:ed)? ?out|unsubscribe|withdrawn|refus|\bobject(?:s|ed|ions?)?\b|gwrthod",
    ),
)
_CONSENT: Final = re.compile(
    r"consent|permission|opt(?:ed)? ?in\b|cydsyni|caniatad"
    r"|\b(?:ok|okay|happy|willing|may|can|allow(?:s|ed)?|agree[sd]?) ?(?:(?:to|we|us|for|be|receive|by) ?)*"
    r"(?:text|sms|messag|contact|e ?mail|call|phone)"
    r"|\b(?:text|sms|messag|contact|e ?mail)\w* ?(?:is )?(?:ok|okay|allowed|permitted|wanted|agreed)$"
    r"|\b(?:receives?|wants?|accepts?) ?(?:text|sms|messag|e ?mail)|^contactable"
)
PERHAPS: Final = "perhaps"
# "Text?" may ask whether, and "Text" may be one
_PERHAPS: Final = re.compile(
    r"^(?:send )?(?:texts?|sms|messages?|contact|e ?mails?|calls?)(?: y n| yes no)?$"
)
# Of data and research, and of no message (NEW-40): the National Data Opt-out, Type 1 and Type 2 opt-outs
_OF_DATA: Final = re.compile(r"national (?:data )?(?:opt ?out|objection)|\bndoo\b|\btype [12]\b")
CODES: Final = (*(code for code, _ in _KINDS), UNCLEAR)
_CHANNELS: Final = {"sms": r"sms|text|mobile", "email": r"e ?mail", "voice": r"call|phone|voice"}

_NO: Final = frozenset(
    {
        "", "no", "n", "false", "0", "none", "nil", "null", "na", "n/a", "-", "not applicable",
        "alive", "living", "nage", "nac ydy", "nac ydi", "nag ydy", "nag ydi", "nac oes", "nag oes",
        "active", "registered", "current", "not sensitive", "unrestricted", "not deceased",
    }
)  # fmt: skip
_YES: Final = frozenset(
    {
        "yes", "y", "true", "1", "x", "✓", "✔", "ie", "ydy", "ydi", "ydyw", "oes",
        "deceased", "dead", "died", "declined", "dissent",
        "dissented", "opted out", "opt out", "optout", "refused", "withdrawn", "deducted", "left",
        "deregistered", "sensitive", "restricted", "do not text", "do not contact", "dnc", "no contact",
    }
)  # fmt: skip
# Of a column about sensitivity, as PDS writes it too: restricted, very restricted, sensitive; unrestricted
_MARKED: Final = frozenset({"r", "v", "s", "very restricted", "redacted"})
_UNMARKED: Final = frozenset({"u", "n", "l", "m", "normal"})
_AGREES: Final = frozenset(
    {
        "", "yes", "y", "true", "1", "x", "✓", "✔", "ie", "ydy", "ydi", "oes",
        "given", "consented", "consent given", "agreed",
        "opted in", "opt in", "implied", "accepted", "granted", "-", "not recorded",
    }
)  # fmt: skip
_REFUSES: Final = frozenset(
    {
        "no", "n", "false", "0", "none", "na", "nage", "nac ydy", "nac oes",
        "declined", "consent declined", "dissent", "dissented", "refused",
        "withdrawn", "opted out", "opt out", "not given", "no consent", "revoked",
    }
)  # fmt: skip
_REFUSES_PERHAPS: Final = frozenset(
    {"no", "n", "false", "declined", "refused", "dissent", "opted out"}
)
_DATE: Final = re.compile(
    r"\d{1,4}[-/. ](?:\d{1,2}|[a-z]{3,9})[-/. ]\d{1,4}(?:[ t]\d{1,2}:\d{2}(?::\d{2})?)?"
)


def kind_of(heading: str, channel: str) -> str:
    """What a column of this heading says against a row: a code, "consent", PERHAPS, or "" for nothing."""
    words = words_of(heading).replace("spinesensitive", "sensitive")
    if about_others(heading, channel):
        return ""
    found = next((code for code, what in _KINDS if re.search(what, words)), "")
    if not found and _CONSENT.search(words):
        return "consent"
    return found or (PERHAPS if _PERHAPS.search(words) else "")


def about_others(heading: str, channel: str) -> bool:
    """Whether a column speaks of another channel alone, or of the use of data: of no message by this one."""
    if is_national_opt_out(heading):
        return True
    words = words_of(heading)
    others = any(re.search(what, words) for name, what in _CHANNELS.items() if name != channel)
    return others and not re.search(_CHANNELS[channel], words) and "contact" not in words


def is_national_opt_out(heading: str) -> bool:
    """Whether a column speaks of the use of data beyond care, and not of messages."""
    words = " ".join(re.sub(r"[^a-z0-9]+", " ", heading.casefold()).split())
    return _OF_DATA.search(words) is not None


def says_yes(text: str) -> bool | None:
    """What a cell of such a column says; None: neither yes nor no."""
    word = " ".join(text.casefold().split()).strip(".!")
    if word in _YES or _DATE.fullmatch(word):
        return True
    return False if word in _NO - {"", "-", "null", "nil"} else None


def read_says_no(
    columns: Sequence[tuple[str, pd.Series[str]]], channel: str, printed: Collection[str] = ()
) -> pd.Series[str]:
    """
    The first that speaks against each row, of CODES; "" where nothing does.

    Args:
        columns: heading and cells, at least one, of those that are no field of ours
        printed: headings of those that a text may print: there a cell counts that says nothing else
    """
    index = columns[0][1].index
    said = pd.DataFrame(index=index)
    for place, (heading, cells) in enumerate(columns):
        kind = kind_of(heading, channel)
        if kind:
            judge = partial(_judge, kind=kind)
        elif about_others(heading, channel) or not speaks(cells).any():
            continue
        else:
            judge = partial(_judge_cell, channel=channel, within=heading not in printed)
        said[place] = judge_each_once(cells, judge, columns=["says"])["says"]
    result = pd.Series("", index=index, dtype="str")
    for code in reversed(CODES):
        result = result.mask(said.isin([code]).any(axis=1), code)
    return result


def _judge(text: str, *, kind: str) -> tuple[str]:
    return (_says(text, kind),)


def _judge_cell(text: str, *, channel: str, within: bool) -> tuple[str]:
    return (says_in(text, channel, within=within),)


def _says(text: str, kind: str) -> str:
    word = " ".join(text.casefold().split()).strip(".!")
    if kind == "consent":
        if word in _AGREES or _DATE.fullmatch(word):
            return ""
        return "list_says_declined" if word in _REFUSES else UNCLEAR
    if kind == PERHAPS:
        return "list_says_declined" if word in _REFUSES_PERHAPS else ""
    sensitive = kind == "list_says_sensitive"
    if word in _NO or (sensitive and word in _UNMARKED):
        return ""
    if sensitive and word in _MARKED:
        return kind
    return kind if word in _YES or _DATE.fullmatch(word) else UNCLEAR
