"""Segments are what the networks charge: proved against the standard, two public counters, all texts."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.message.segments import (
    GSM_BASIC,
    GSM_EXTENSION,
    Segments,
    count_many,
    count_segments,
    split_segments,
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


def test_texts_are_cut_where_sms_toolkit_cuts_them() -> None:
    for row in TABLE:
        assert [len(part) for part in split_segments(row["text"])] == row["parts"], row


@settings(max_examples=300, derandomize=True, deadline=None)
@given(texts)
def test_parts_join_to_the_text_and_each_fits(text: str) -> None:
    """PAT-13: nothing is lost, no part is too long, no pair is cut, and the count is their number."""
    parts = split_segments(text)
    whole = count_segments(text)
    assert "".join(parts) == text
    assert len(parts) == whole.count
    limit = {
        ("GSM-7", False): 160, ("GSM-7", True): 153, ("UCS-2", False): 70, ("UCS-2", True): 67,
    }[whole.encoding, len(parts) > 1]  # fmt: skip
    for part in parts:
        assert 0 < _units(part, whole.encoding) <= limit


@settings(max_examples=100, derandomize=True, deadline=None)
@given(texts)
def test_no_fewer_parts_would_do(text: str) -> None:
    """Each part but the last is as full as it can be: the next character would not have fitted."""
    parts = split_segments(text)
    encoding = count_segments(text).encoding
    limit = 153 if encoding == "GSM-7" else 67
    for part, following in pairwise(parts):
        assert _units(part + following[0], encoding) > limit


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(texts, max_size=20))
def test_many_texts_cost_what_each_costs(many: list[str]) -> None:
    assert count_many(many) == [count_segments(text).count for text in many]


def _units(text: str, encoding: str) -> int:
    """Counted the slow way, a character at a time, by the definition."""
    if encoding == "UCS-2":
        return len(text.encode("utf-16-le")) // 2
    return sum(2 if character in GSM_EXTENSION else 1 for character in text)
