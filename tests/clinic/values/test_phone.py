"""Mobile numbers: what is accepted, and the word for what is wrong with the rest."""

from __future__ import annotations

import random
import re
import unicodedata

import pandas as pd
import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from clinic.cohort.outcomes import BEFORE
from clinic.settings import Phones
from clinic.values.phone import judge_mobiles
from clinic.values.phone_kinds import KINDS, types

UK = Phones()
TEST = Phones(test_range=True)
WORLD = Phones(regions=("GB", "FR", "US", "RU", "KZ"))

MOBILE = "+447911223456"

ACCEPTED = [
    ("07911223456", "as it is dialled"),
    ("07911 223 456", "spaces"),
    ("(07911) 223-456", "brackets and hyphens"),
    ("07911.223.456", "dots"),
    ("+447911223456", "E.164"),
    ("+44 (0)7911 223456", "the zero in brackets"),
    ("+4407911223456", "and without them"),
    ("447911223456", "the plus lost"),
    ("00447911223456", "dialled from abroad"),
    ("7911223456", "the zero lost in a spreadsheet"),
    ("'07911223456", "Excel's mark for text"),
    ("０７９１１２２３４５６", "full-width digits"),
    ("07911\u00a0223\u2009456", "spaces that do not break"),
    ("07911\u2013223\u2013456", "dashes"),
    ("\u202a07911223456\u202c", "copied from an address book"),
    (" 07911223456\n", "space around"),
]

REFUSED = [
    ("", "missing", "phone_missing"),
    ("  ", "missing", "phone_missing"),
    ("--", "missing", "phone_missing"),
    ("0770O900123", "letters", "phone_invalid"),
    ("07700900123 (wife)", "letters", "phone_invalid"),
    ("07911223456 ext 2", "letters", "phone_invalid"),
    ("0800 FLOWERS", "letters", "phone_invalid"),
    ("n/a", "letters", "phone_invalid"),
    ("4.479E+11", "spreadsheet_number", "phone_invalid"),
    ("07911/223456", "symbols", "phone_invalid"),
    ("07911+223456", "symbols", "phone_invalid"),
    ("07911223456;07911223457", "symbols", "phone_invalid"),
    ("0791122345⁶", "symbols", "phone_invalid"),
    ("٠٧٩١١٢٢٣٤٥٦", "symbols", "phone_invalid"),
    ("+", "symbols", "phone_invalid"),
    ("0791122345", "too_short", "phone_invalid"),
    ("+44791122345", "too_short", "phone_invalid"),
    ("0", "too_short", "phone_invalid"),
    ("999", "too_short", "phone_invalid"),
    ("079112234567", "too_long", "phone_invalid"),
    ("07911223456 07911223457", "too_long", "phone_invalid"),
    ("07911223456.0", "too_long", "phone_invalid"),
    ("077009001234", "too_long", "phone_invalid"),
    ("0077009001234", "too_long", "phone_invalid"),
    ("+7 700 900 12345", "wrong_length", "phone_invalid"),
    ("01632960001", "not_in_use", "phone_invalid"),
    ("+999123456", "no_such_country", "phone_invalid"),
    ("020 7946 0958", "landline", "phone_not_mobile"),
    ("0909 879 0000", "premium", "phone_not_mobile"),
    ("0800 1111 222", "toll_free", "phone_not_mobile"),
    ("0845 046 4647", "premium", "phone_not_mobile"),
    ("070 1234 5678", "personal", "phone_not_mobile"),
    ("07640 123456", "pager", "phone_not_mobile"),
    ("056 0000 0000", "voip", "phone_not_mobile"),
    ("0300 123 4567", "company", "phone_not_mobile"),
    ("+33612345678", "unsupported_country", "phone_not_allowed"),
    ("+7 700 900 1234", "unsupported_country", "phone_not_allowed"),
    ("+12125550123", "unsupported_country", "phone_not_allowed"),
    ("07700 900123", "test_number", "phone_not_allowed"),
]


def judge(text: object, phones: Phones) -> tuple[str, str, str]:
    row = judge_mobiles(pd.Series([text], dtype=object), phones).iloc[0]
    return row["address"], row["fault"], row["kind"]


@pytest.mark.parametrize(("text", "why"), ACCEPTED)
def test_a_mobile_in_any_usual_spelling_has_one_address(text: str, why: str) -> None:
    """ACX-25: accepted is who has a valid mobile number."""
    assert judge(text, UK) == (MOBILE, "", ""), why


@pytest.mark.parametrize(("text", "kind", "fault"), REFUSED)
def test_what_is_wrong_has_a_word(text: str, kind: str, fault: str) -> None:
    """ARC-12, ARC-13: no number, and a number that cannot be texted, are told apart and said why."""
    assert judge(text, UK) == ("", fault, kind)


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_null_is_a_missing_number(nothing: object) -> None:
    """ARC-12"""
    assert judge(nothing, UK) == ("", "phone_missing", "missing")


def test_the_crown_dependencies_are_allowed_by_the_settings() -> None:
    assert judge("07624 412345", UK)[0] == "+447624412345"
    assert judge("07624 412345", Phones(regions=("GB",)))[2] == "unsupported_country"


@pytest.mark.parametrize("text", ["077009001234", "0077009001234", "007700900123", "77009001234"])
def test_a_long_uk_mobile_never_becomes_a_russian_one(text: str) -> None:
    """Not even where numbers of Russia and Kazakhstan are allowed: they must be written with +7."""
    address, fault, _ = judge(text, WORLD)
    assert (address, fault) == ("", "phone_invalid")
    assert judge("+7 700 900 1234", WORLD) == ("+77009001234", "", "")


def test_test_numbers_need_their_switch() -> None:
    for text in ("07700900000", "07700 900 999", "+447700900123", "7700900123", "'07700900123"):
        assert judge(text, UK) == ("", "phone_not_allowed", "test_number")
        address, fault, kind = judge(text, TEST)
        assert (address[:10], fault, kind) == ("+447700900", "", "")
    assert judge("07700 901000", TEST)[1] == "phone_invalid"


def test_regions_and_types_are_settings() -> None:
    assert judge("+33612345678", WORLD) == ("+33612345678", "", "")
    assert judge("+12125550123", WORLD) == ("+12125550123", "", "")
    assert (
        judge("+12125550123", Phones(regions=("US",), types=("mobile",)))[2] == "landline_or_mobile"
    )
    assert judge("07012345678", Phones(types=("mobile", "personal")))[0] == "+447012345678"
    assert judge("07911223456", Phones(types=("personal",))) == ("", "phone_not_allowed", "mobile")
    assert judge("07911223456", Phones(regions=("FR",))) == (
        "", "phone_not_allowed", "unsupported_country",
    )  # fmt: skip


def test_another_home_reads_its_own_numbers() -> None:
    france = Phones(home_region="FR", regions=("FR", "GB"))
    assert judge("06 12 34 56 78", france)[0] == "+33612345678"
    assert judge("+447911223456", france)[0] == MOBILE
    assert judge("07911223456", france)[0] == ""


def test_the_index_stays_and_an_empty_column_is_no_fault() -> None:
    judged = judge_mobiles(pd.Series(["07911223456", "x", ""], index=[5, 3, 4]), UK)
    assert list(judged.index) == [5, 3, 4]
    assert judged["kind"].tolist() == ["", "letters", "missing"]
    assert list(judge_mobiles(pd.Series([], dtype="str"), UK).columns) == [
        "address",
        "fault",
        "kind",
    ]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8")) | st.text(" +-().0123456789e"), max_size=20
    )
)
def test_any_text_gets_an_address_or_a_fault_never_both(texts: list[str]) -> None:
    """ARC-13: whatever stands in a cell, it is judged, and nothing but E.164 leaves as an address."""
    judged = judge_mobiles(pd.Series(texts, dtype="str"), WORLD)
    for address, fault, kind in judged.itertuples(index=False):
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", address) if not fault else address == ""
        assert fault == (KINDS[kind][0] if kind else "")


_NUMBERS = st.sampled_from(
    [
        "7911223456",
        "7700900123",
        "2079460958",
        "612345678",
        "7009001234",
        "2125550123",
        "9434765919",
    ]
) | st.text("0123456789", min_size=6, max_size=12)
_BEFORE = st.sampled_from(
    [
        "",
        "0",
        "+44",
        "44",
        "+44 (0)",
        "0044",
        "00440",
        "+33",
        "0033",
        "+7",
        "+1",
        "'0",
        "\u202a0",
        "tel 0",
    ]
)
_BETWEEN = st.sampled_from(
    ["", "", " ", "-", ".", "\u00a0", "\u200b", "\u2013", "(", ")", "/", "x", "٣"]
)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A number as people write it, with what they put before and into it."""
    number = "".join(digit + draw(_BETWEEN) for digit in draw(_NUMBERS))
    return (
        draw(_BEFORE)
        + number
        + draw(st.sampled_from(["", "", " ", "\n", ".", " (wife)", "#2", "０"]))
    )


@pytest.mark.parametrize("phones", [UK, TEST, WORLD], ids=["uk", "test", "world"])
@settings(max_examples=40, derandomize=True, deadline=None)
@example(["00447911223456", "+44 (0)7911 22\u200b34 56"])
@example(["0710000000٣", "071000000०0"])  # digits of other scripts, where the pattern had \d
@given(st.lists(written(), min_size=5, max_size=15))
def test_a_number_is_never_cut_mended_or_read_twice(phones: Phones, texts: list[str]) -> None:
    """ARC-12: an address has the digits that were written, all of them, and judged again it is the same."""
    judged = judge_mobiles(pd.Series(texts, dtype="str"), phones)
    again = judge_mobiles(judged["address"], phones)
    assert again["address"].tolist() == judged["address"].tolist()
    for text, address, fault in zip(texts, judged["address"], judged["fault"], strict=True):
        assert bool(address) != bool(fault)
        if address:
            _assert_same_digits(unicodedata.normalize("NFKC", text), phonenumbers.parse(address))


def _assert_same_digits(text: str, number: phonenumbers.PhoneNumber) -> None:
    country, national = str(number.country_code), str(number.national_number)
    digits = re.sub("[^0-9]", "", text)
    assert digits.endswith(national)
    before = digits.removesuffix(national)
    codes = {"", country, f"00{country}"}
    assert before in {code + zero for code in codes for zero in ("", "0")}
    assert before not in ("", "0") or country == "44"  # without a country it is one of ours
    assert not re.search(r"[^\W\d_]|[/#٣]", text)


def test_rows_are_judged_by_place_whatever_their_index() -> None:
    judged = judge_mobiles(pd.Series(["07911223456", "x", "+447911223456"], index=[1, 1, 1]), UK)
    assert judged["address"].tolist() == [MOBILE, "", MOBILE]


def test_every_kind_has_an_outcome_and_a_sentence() -> None:
    """NEW-6: one vocabulary."""
    assert {fault for fault, _ in KINDS.values()} <= set(BEFORE)
    assert set(types().values()) <= set(KINDS)
    assert all(says.endswith(".") for _, says in KINDS.values())


def test_libphonenumber_agrees_on_a_whole_corpus() -> None:
    """The pattern that spares us `parse` accepts what libphonenumber calls a UK mobile, and only that."""
    texts = [*_written_numbers(random.Random(2026), 6_000), *_every_prefix()]
    judged = judge_mobiles(pd.Series(texts), UK)
    expected = [_second_opinion(text) for text in texts]
    differ = [
        (text, ours, theirs)
        for text, ours, theirs in zip(texts, judged["address"], expected, strict=True)
        if ours != theirs
    ]
    assert differ == []
    assert 2_000 < sum(map(bool, expected)) < len(texts) - 2_000


def _every_prefix() -> list[str]:
    """All ten thousand beginnings of numbers in 07, which is as far as the library's patterns look."""
    return [f"07{prefix:04d}23456" for prefix in range(10_000)]


def _written_numbers(chance: random.Random, count: int) -> list[str]:
    """Numbers of every sort, as people write them."""
    sorts = ("7", "7", "7", "79", "74", "76", "70", "1", "20", "3", "8", "9", "5")
    prefixes = ("0", "0", "0", "+44", "+44 ", "+44 (0)", "0044", "44", "", "+353", "+1", "+7")
    texts = []
    for _ in range(count):
        digits = chance.choice(sorts)
        length = chance.choice((10, 10, 10, 10, 10, 9, 11))
        digits += "".join(chance.choice("0123456789") for _ in range(length - len(digits)))
        gap = chance.choice(("", "", " ", "-", "."))
        texts.append(chance.choice(prefixes) + digits[:4] + gap + digits[4:])
    return texts


def _second_opinion(text: str) -> str:
    """The library alone, with our two rules on top: no "007", no test numbers."""
    compact = text.replace(" ", "").replace("-", "").replace(".", "")
    if compact.startswith("007"):
        return ""
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return ""
    allowed = phonenumbers.region_code_for_number(number) in UK.regions
    if not allowed or phonenumbers.number_type(number) != PhoneNumberType.MOBILE:
        return ""
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
