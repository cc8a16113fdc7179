"""
E-mail addresses, judged by `email-validator` (RFC 5321 lengths, IDNA), no network asked.

Ordinary ASCII addresses are accepted for the whole column at once by a pattern that is stricter
than the library (a test holds them together); the library judges the rest, once per distinct value.
"""

from __future__ import annotations

import functools

import email_validator
import pandas as pd

from clinic.values.text import Mask, as_strings, judge_each_once, matches, visible

MISSING = "email_missing"
INVALID = "email_invalid"

_ATOM = r"[a-z0-9_%+'\-]+"
_USUAL = rf"{_ATOM}(\.{_ATOM})*@([a-z0-9]([a-z0-9\-]*[a-z0-9])?\.)+[a-z]+"
_LONGEST_USUAL = 63  # shorter than the longest part allowed, so no part of it is too long


@functools.cache
def _special() -> str:
    return r".*[.@](" + "|".join(email_validator.SPECIAL_USE_DOMAIN_NAMES) + ")"


def judge_emails(texts: pd.Series) -> pd.DataFrame:
    """
    Judge a column of e-mail addresses.

    Addresses are given back in lower case, so that one mailbox is one address everywhere, and
    international domains in their ASCII form (xn--…). A local part outside ASCII is refused: it
    needs SMTPUTF8, which the relays of the NHS do not have.

    Args:
        texts: as people wrote them, "" or null where there is none

    Returns:
        address: "" where there is an error
        fault: "", "email_missing" or "email_invalid"
    """
    addresses = as_strings(texts).str.strip().str.lower()
    usual = _usual(addresses)
    judged = pd.DataFrame(
        {"address": addresses.where(usual, ""), "fault": ""}, index=texts.index, dtype="str"
    )
    if not usual.all():
        rest = judge_each_once(addresses[~usual], _judge, columns=("address", "fault"))
        for column in rest:
            judged.loc[~usual, column] = rest[column].to_numpy()
    return judged


def _usual(addresses: pd.Series) -> Mask:
    """Which surely are right."""
    short = (addresses.str.len() <= _LONGEST_USUAL).to_numpy(dtype=bool)
    plain = ~addresses.str.contains("--", regex=False).to_numpy(dtype=bool)  # xn-- and its kind
    return matches(addresses, _USUAL) & short & plain & ~matches(addresses, _special())


def _judge(text: str) -> tuple[str, str]:
    text = visible(text).strip()
    if not text:
        return "", MISSING
    try:
        valid = email_validator.validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except email_validator.EmailNotValidError:
        return "", INVALID
    return str(valid.ascii_email).lower(), ""
