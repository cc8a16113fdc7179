"""What can be wrong with a telephone number: a word for programs, a sentence for people, an outcome."""

from __future__ import annotations

import functools
from typing import Final

import phonenumbers

# kind: (outcome, what to tell people)
KINDS: Final[dict[str, tuple[str, str]]] = {
    "missing": ("phone_missing", "No number."),
    "letters": ("phone_invalid", "Letters among the digits (often O for 0, or a note)."),
    "symbols": ("phone_invalid", "Only digits, spaces and ( ) + - . may be in a number."),
    "spreadsheet_number": ("phone_invalid", "Rounded by a spreadsheet (4.479E+11): digits are lost."),
    "too_short": ("phone_invalid", "Digits are missing."),
    "too_long": ("phone_invalid", "Too many digits, or two numbers in one cell."),
    "wrong_length": ("phone_invalid", "No number there has as many digits."),
    "not_in_use": ("phone_invalid", "No network has numbers that begin like this."),
    "no_such_country": ("phone_invalid", "No country has this code."),
    "landline": ("phone_not_mobile", "A landline."),
    "premium": ("phone_not_mobile", "A premium-rate number."),
    "toll_free": ("phone_not_mobile", "A freephone number."),
    "shared_cost": ("phone_not_mobile", "A shared-cost number."),
    "personal": ("phone_not_mobile", "A personal number (070): not a mobile, and dear."),
    "pager": ("phone_not_mobile", "A pager."),
    "voip": ("phone_not_mobile", "An internet telephone."),
    "company": ("phone_not_mobile", "A company's number for all its places (03, 055)."),
    "voicemail": ("phone_not_mobile", "A voice mailbox."),
    "landline_or_mobile": ("phone_not_mobile", "Where this is, landlines and mobiles look alike."),
    "mobile": ("phone_not_allowed", "Mobiles are switched off in the settings."),
    "unsupported_country": ("phone_not_allowed", "Numbers of this country are switched off."),
    "test_number": ("phone_not_allowed", "A number for tests (07700 900xxx); phones.test_range is off."),
}  # fmt: skip

FAULTS: Final[dict[str, str]] = {kind: fault for kind, (fault, _) in KINDS.items()}


@functools.cache
def types() -> dict[int, str]:
    """Libphonenumber's own, in our words."""
    return {
        phonenumbers.PhoneNumberType.FIXED_LINE: "landline",
        phonenumbers.PhoneNumberType.MOBILE: "mobile",
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "landline_or_mobile",
        phonenumbers.PhoneNumberType.TOLL_FREE: "toll_free",
        phonenumbers.PhoneNumberType.PREMIUM_RATE: "premium",
        phonenumbers.PhoneNumberType.SHARED_COST: "shared_cost",
        phonenumbers.PhoneNumberType.VOIP: "voip",
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER: "personal",
        phonenumbers.PhoneNumberType.PAGER: "pager",
        phonenumbers.PhoneNumberType.UAN: "company",
        phonenumbers.PhoneNumberType.VOICEMAIL: "voicemail",
    }
