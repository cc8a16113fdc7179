"""Item 18.1: an SMSC's ids, as answers and receipts spell them."""

from __future__ import annotations

import pytest

from clinic.gateway.smpp.ids import canonical, spellings


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        ("0000001a", "1A"),  # padded in the one
        ("1a", "0000000026"),  # decimal and padded in the receipt
        ("26", "1A"),  # hexadecimal in the receipt
        ("9007199254740993", "9007199254740993"),  # beyond 2^53, to the last digit
        ("20000000000001", "9007199254740993"),
        ("a1b2-c3", "A1B2-C3"),
        ("0", "00000000"),
        ("f" * 64, "F" * 64),
    ],
)
def test_one_id_in_two_spellings_is_found(answer: str, receipt: str) -> None:
    assert canonical(answer) in spellings(canonical(receipt))


@pytest.mark.parametrize(
    ("answer", "receipt"), [("1a", "1b"), ("10", "11"), ("", "0"), ("x1", "1")]
)
def test_two_ids_stay_two(answer: str, receipt: str) -> None:
    assert canonical(answer) not in spellings(canonical(receipt))


def test_an_id_that_is_none_is_empty() -> None:
    assert canonical(" \x00 ") == ""
    assert spellings("") == ()
