"""Addresses that are nobody's own are told from patients' own ones, and much-shared numbers are noticed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_checks.eligibility.dummies import MANY, Dummies, is_placeholder


@pytest.mark.parametrize(
    "address",
    ["07700 000000", "07000000000", "00000000000", "+44 7911 000000", "07777777777", "1111111111",
     "0123456789", "07123456789", "noemail@example.org", "No-Email@nhs.example", "none@none.com",
     "n/a@surgery.example", "unknown@gp.example", "sian@noemail.com", "xxx@x.example",
     "noreply@gp.example", "do-not-reply@gp.example", "no_email_address@gp.example"],
)  # fmt: skip
def test_a_placeholder_is_known(address: str) -> None:
    """The kinds of fillers that practice systems export."""
    assert is_placeholder(pd.Series([address])).all()


@pytest.mark.parametrize(
    "address",
    ["", "07911 123456", "07700 900000", "07700900111", "+447911100000", "07911 000001", "02079460000",
     "999", "n.adams@gp.example", "nora.mail@gp.example", "sian@none-such.example", "xu@gp.example",
     "noemi@gp.example", "nilam@gp.example", "missy.blank@gp.example", "ana@unknown-lands.example"],
)  # fmt: skip
def test_an_address_of_somebody_is_not_taken_for_one(address: str) -> None:
    assert not is_placeholder(pd.Series([address])).any()


def seen(addresses: list[str], *, counts: bool = True, block: int = 7) -> pd.DataFrame:
    dummies = Dummies()
    for start in range(0, len(addresses), block):
        part = pd.Series(addresses[start : start + block], dtype="str")
        dummies.add(part, part, np.full(len(part), counts))
    return dummies.flags(pd.DataFrame({"duplicate": np.ones(len(addresses), dtype=bool)}))


@pytest.mark.parametrize(
    ("rows", "counts", "found"),
    [(MANY, True, MANY), (MANY - 1, True, 0), (30, True, 30), (30, False, 0)],
    ids=["ten", "nine", "thirty", "thirty that are not messaged"],
)
def test_ten_patients_on_one_number_are_noticed_over_all_blocks(
    rows: int, counts: bool, found: int
) -> None:
    """Not rows that repeat a patient: those are one person, however often."""
    others = [f"+4479111{n:05}" for n in range(20)]
    flags = seen([*others, *["+447911123456"] * rows], counts=counts)
    assert (~flags["shared"]).sum() == found
    assert flags["placeholder"].all()


def test_rows_without_an_address_and_numbers_kept_for_drama_share_nothing() -> None:
    """Ofcom has a thousand of these for all the practice lists in the world."""
    assert seen([*[""] * 40, *["+447700900123"] * 40])["shared"].all()
