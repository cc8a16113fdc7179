"""
Telephone numbers, judged: may a text be sent there, or a call made, and if not, what is wrong.

libphonenumber decides. Two things are done before it is asked:

- A home mobile written in a usual way is accepted by libphonenumber's own pattern, for the whole
  column at once: 100 times quicker than `parse`, and it cannot drift, because it is read from there.
- What libphonenumber would quietly drop is refused: letters ("0770O900123", "07700900123 (wife)"),
  symbols, a "+" in the middle.

Nothing is fixed by guessing: a UK mobile with a digit too many is never retried as "+7 7…", a
number in Russia or Kazakhstan.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial

import numpy as np
import pandas as pd
import phonenumbers

from clinic.settings import Phones
from clinic.values.email import judge_emails
from clinic.values.phone_kinds import FAULTS, types
from clinic.values.text import Mask, as_strings, judge_each_once, matches, tidy

COLUMNS = ("address", "fault", "kind")

# Ofcom's numbers for drama, of which no network has any: libphonenumber calls them invalid
_TEST_RANGE = r"7700900[0-9]{3}"

# How a home mobile is written before its ten digits, once spaces, brackets, dots and hyphens are gone
_UK_PREFIX = r"(?:\+440?|00440?|44|0)"


@lru_cache(maxsize=1)
def _lengths() -> dict[int, str]:
    return {
        phonenumbers.ValidationResult.TOO_SHORT: "too_short",
        phonenumbers.ValidationResult.TOO_LONG: "too_long",
        phonenumbers.ValidationResult.INVALID_LENGTH: "wrong_length",
        phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    }


def judge_mobiles(texts: pd.Series, phones: Phones) -> pd.DataFrame:
    """
    Judge a column of telephone numbers as addresses of texts.

    Args:
        texts: as people wrote them, "" or null where there is none
        phones: home region, regions and types allowed, whether test numbers are

    Returns:
        address: E.164 ("+447911123456"), "" where there is an error
        fault: "", "phone_missing", "phone_invalid", "phone_not_mobile" or "phone_not_allowed"
        kind: what exactly is wrong, a key of `phone_kinds.KINDS`; "" where nothing is
    """
    texts = as_strings(texts)
    compact = texts.str.replace(r"[ ()\-.]", "", regex=True)
    usual = _usual(compact, phones)
    judged = pd.DataFrame("", index=texts.index, columns=list(COLUMNS), dtype="str")
    judged["address"] = ("+44" + compact.str[-10:]).where(usual, "")
    if not usual.all():
        rest = judge_each_once(texts[~usual], partial(_judge, phones=phones), columns=COLUMNS)
        for column in COLUMNS:
            judged.loc[~usual, column] = rest[column].to_numpy()
    return judged


def judge_called(texts: pd.Series, phones: Phones) -> pd.DataFrame:
    """
    Judge a column of telephone numbers as those of people who are called: a landline rings, too.

    The same as of `judge_mobiles`, but that a kind that is not called, such as a premium-rate number, is
    `phone_not_allowed`.
    """
    judged = judge_mobiles(texts, phones.model_copy(update={"types": phones.call_types}))
    judged["fault"] = judged["fault"].replace("phone_not_mobile", "phone_not_allowed")
    return judged


def judge_for(channel: str, texts: pd.Series, phones: Phones) -> pd.DataFrame:
    """The addresses of a channel: e-mail addresses, numbers that are called (voice), or that are texted."""
    if channel == "email":
        return judge_emails(texts)
    return (judge_called if channel == "voice" else judge_mobiles)(texts, phones)


def _usual(compact: pd.Series, phones: Phones) -> Mask:
    """Which surely are mobiles of the UK in a usual spelling; none, when those are not home or not allowed."""
    if phones.home_region != "GB" or "GB" not in phones.regions or "mobile" not in phones.types:
        return np.zeros(len(compact), dtype=bool)
    mobile = _gb_mobile_pattern() + (f"|{_TEST_RANGE}" if phones.test_range else "")
    return matches(compact, f"{_UK_PREFIX}(?:{mobile})")


@lru_cache(maxsize=1)
def _gb_mobile_pattern() -> str:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("GB", None)
    if metadata is None or metadata.mobile is None:
        raise LookupError("phonenumbers has no pattern for UK mobiles")
    # Its \d would take digits of every script, and the address is made of what was written
    return str(metadata.mobile.national_number_pattern).replace(r"\d", "[0-9]")


def _judge(text: str, *, phones: Phones) -> tuple[str, str, str]:
    """One number: its address, its fault, its kind."""
    number = re.sub(r"[ ()\-.]", "", tidy(text))
    kind = _written_wrong(number, phones.home_region)
    if kind:
        return "", FAULTS[kind], kind
    try:
        parsed = phonenumbers.parse(number, phones.home_region)
    except phonenumbers.NumberParseException as error:
        kind = _unparsed(error)
        return "", FAULTS[kind], kind
    kind = _unfit(parsed, phones)
    return ("", FAULTS[kind], kind) if kind else (_e164(parsed), "", "")


def _written_wrong(number: str, home_region: str) -> str:
    """What can be told from the characters alone."""
    if not number:
        return "missing"
    if re.fullmatch(r"[0-9]+[eE]\+?[0-9]+", number):
        return "spreadsheet_number"
    if any(character.isalpha() for character in number):
        return "letters"
    if not re.fullmatch(r"\+*[0-9]+", number):
        return "symbols"
    # "00 7…" is how one dials Russia, and how a zero too many in front of a UK mobile looks
    if home_region == "GB" and number.startswith("007"):
        return "too_long"
    return ""


def _unparsed(error: phonenumbers.NumberParseException) -> str:
    if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return "no_such_country"
    return (
        "too_long"
        if error.error_type == phonenumbers.NumberParseException.TOO_LONG
        else "too_short"
    )


def _unfit(parsed: phonenumbers.PhoneNumber, phones: Phones) -> str:
    """Why a number that could be read may not be texted; "" if it may."""
    if _is_test_number(parsed):
        return "" if phones.test_range else "test_number"
    length = _wrong_length(parsed)
    if length:
        return length
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        return "not_in_use"
    if region not in phones.regions:
        return "unsupported_country"
    kind = types().get(phonenumbers.number_type(parsed), "not_in_use")
    return "" if kind in phones.types else kind


def _wrong_length(parsed: phonenumbers.PhoneNumber) -> str:
    """`too_short`, `too_long` or "". UK mobiles have ten digits, though some other UK numbers have nine."""
    if parsed.country_code == 44 and str(parsed.national_number).startswith("7"):
        digits = len(str(parsed.national_number))
        return "" if digits == 10 else "too_short" if digits < 10 else "too_long"
    return _lengths().get(phonenumbers.is_possible_number_with_reason(parsed), "")


def _is_test_number(parsed: phonenumbers.PhoneNumber) -> bool:
    return parsed.country_code == 44 and bool(
        re.fullmatch(_TEST_RANGE, str(parsed.national_number))
    )


def _e164(parsed: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
