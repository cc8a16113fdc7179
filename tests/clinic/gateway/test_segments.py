"""Segments are what the networks charge: proved against the standard, two public counters, all texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.gateway.segments import (
    GSM_BASIC,
    GSM_EXTENSION,
    Segments,
    count_many,
    count_segments,
)

TABLE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "segments.json").read_text(encoding="utf-8")
)

CASES = [
    ("", "GSM-7", 0, 0, "no text, no message"),
    ("a" * 160, "GSM-7", 160, 1, "a full message"),
    ("a" * 161, "GSM-7", 161, 2, "one more, and both parts carry a header"),
    ("a" * 306, "GSM-7", 306, 2, "two full parts"),
    ("a" * 307, "GSM-7", 307, 3, "and one more"),
    ("a" * 918, "GSM-7", 918, 6, "GOV.UK Notify's longest"),
    ("€" * 80, "GSM-7", 160, 1, "an extension character takes two"),
    ("€" * 81, "GSM-7", 162, 2, ""),
    ("a" * 152 + "€" + "a" * 7, "GSM-7", 161, 2, "a pair at the edge moves on whole"),
    ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3, "and leaves a hole that costs a part"),
    ("ê" * 70, "UCS-2", 70, 1, "outside the alphabet: 70"),
    ("ê" * 71, "UCS-2", 71, 2, ""),
    ("ê" * 134, "UCS-2", 134, 2, "67 in each of several"),
    ("ê" * 135, "UCS-2", 135, 3, ""),
    ("😀" * 35, "UCS-2", 70, 1, "an emoji takes two UTF-16 units"),
    ("😀" * 66, "UCS-2", 132, 2, "33 fit into 67: the 67th unit stays empty"),
    ("😀" * 67, "UCS-2", 134, 3, ""),
    ("ç", "UCS-2", 1, 1, "the alphabet has only the capital Ç"),
    ("Ç", "GSM-7", 1, 1, ""),
    ("`", "UCS-2", 1, 1, "ASCII, yet not in the alphabet"),
    ("\t", "UCS-2", 1, 1, ""),
    ("\x1b", "UCS-2", 1, 1, "the escape itself is no character"),
    ("\f", "GSM-7", 2, 1, "form feed is in the extension"),
    ("Dear Ann, " + "x" * 100, "GSM-7", 110, 1, ""),
    ("Dear Siân, " + "x" * 100, "UCS-2", 111, 2, "what one â costs"),
]

texts = st.text(
    alphabet=st.one_of(
        st.sampled_from(GSM_BASIC), st.sampled_from(GSM_EXTENSION), st.sampled_from("ŵŷâ’😀𝒜")
    ),
    max_size=400,
) | st.text(alphabet=st.sampled_from(GSM_BASIC + GSM_EXTENSION), max_size=700)


@pytest.mark.parametrize(("text", "encoding", "units", "count", "why"), CASES)
def test_a_text_costs_what_the_standard_says(
    text: str, encoding: Any, units: int, count: int, why: str
) -> None:
    """PAT-13: the number of segments is known before sending (TS 23.038, TS 23.040)."""
    assert count_segments(text) == Segments(encoding, units, count), why


def test_two_public_counters_agree_with_ours_on_every_text_of_the_table() -> None:
    """PAT-13: see data/README.md for which counters."""
    for row in TABLE:
        ours = count_segments(row["text"])
        assert (ours.encoding, ours.count) == (row["encoding"], row["twilio"]), row
        assert ours.count == row["sms_toolkit"], row


def cut(text: str) -> list[str]:
    """The text in parts, by the standard and a character at a time: slow, and nothing of it is ours."""
    encoding = count_segments(text).encoding
    single, part = (160, 153) if encoding == "GSM-7" else (70, 67)
    if _units(text, encoding) <= single:
        return [text] if text else []
    parts = [""]
    for character in text:
        if _units(parts[-1] + character, encoding) > part:
            parts.append("")
        parts[-1] += character
    return parts


def test_texts_are_cut_here_where_sms_toolkit_cuts_them() -> None:
    """So that the next test compares with something."""
    for row in TABLE:
        assert [len(part) for part in cut(row["text"])] == row["parts"], row


@settings(max_examples=300, derandomize=True, deadline=None)
@given(texts)
def test_as_many_are_counted_as_a_text_is_cut_into(text: str) -> None:
    """PAT-13: no pair is cut, each part is as full as it can be, and their number is what it costs."""
    assert count_segments(text).count == len(cut(text))


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(texts, max_size=20))
def test_many_texts_cost_what_each_costs(many: list[str]) -> None:
    assert count_many(many) == [count_segments(text).count for text in many]


def _units(text: str, encoding: str) -> int:
    """Counted the slow way, a character at a time, by the definition."""
    if encoding == "UCS-2":
        return len(text.encode("utf-16-le")) // 2
    return sum(2 if character in GSM_EXTENSION else 1 for character in text)
