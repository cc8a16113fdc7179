"""What is said of a file by itself: read by the real reader, judged by the real rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from clinic.cohort.files import Block, ListFile, open_list
from clinic.settings import Organisation, Phones, Settings
from data_checks.eligibility.rules import Channel
from data_checks.eligibility.seen import NOBODY, Seen
from data_checks.lists.list_quality import ListQuality, check_list
from data_checks.lists.list_report import list_html, quality_rows

TODAY = date(2026, 3, 2)
SYSTMONE = "NHS Number,Telecom Number,Date of Birth"
GOOD = "9990000018,07700900123,31/12/1980"

# (a row, the first error it has)
ROW_CASES = [
    (GOOD, "accepted"),
    ("999 000 0018,+44 7700 900123,1980-12-31", "accepted"),
    (",07700900123,31/12/1980", "nhs_number_missing"),
    ("9990000019,07700900123,31/12/1980", "nhs_number_invalid"),
    ("9990000018,07700900123,", "birth_date_missing"),
    ("9990000018,07700900123,31/13/1980", "birth_date_invalid"),
    ("9990000018,0770O900123,31/12/1980", "phone_invalid"),
    ("9990000018,0113 496 0000,31/12/1980", "phone_not_mobile"),
    ("9990000018,07700900123", "unreadable_row"),
    ("9990000018,,31/12/1980", "accepted"),  # the record may have the number
]


def practice(**organisation: object) -> Settings:
    """A practice with SystmOne lists that accepts Ofcom's numbers for drama."""
    profile = Organisation.model_validate(
        {"id_scheme": "systmone", "address_from": "list", **organisation}
    )
    return Settings(organisation=profile, phones=Phones(test_range=True))


def listed(folder: Path, *rows: str, heading: str = SYSTMONE) -> ListFile:
    path = folder / "list.csv"
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")
    return open_list(path)


def checked(source: ListFile, channel: Channel = "sms", **organisation: object) -> ListQuality:
    return check_list(source, settings=practice(**organisation), today=TODAY, channel=channel)


@pytest.mark.parametrize(("row", "code"), ROW_CASES)
def test_a_row_is_told_its_first_fault(tmp_path: Path, row: str, code: str) -> None:
    """ACX-24 to ACX-26: NHS number and phone are checked before anything is sent."""
    assert checked(listed(tmp_path, row)).outcomes == {code: 1}


def test_every_row_has_an_outcome_and_every_fault_is_counted(tmp_path: Path) -> None:
    """NEW-6: outcomes add up to the rows; a row with two faults has one outcome and counts in both."""
    quality = checked(
        listed(tmp_path, GOOD, GOOD, "9990000019,0113 496 0000,31/12/1980", ",07700900123,1980")
    )
    assert quality.outcomes == {
        "accepted": 1,
        "nhs_number_missing": 1,
        "nhs_number_invalid": 1,
        "duplicate": 1,
    }
    assert sum(quality.outcomes.values()) == quality.rows == 4
    assert quality.faults == {
        "nhs_number_missing": 1,
        "nhs_number_invalid": 1,
        "birth_date_invalid": 1,
        "duplicate": 1,
        "phone_not_mobile": 1,
    }
    assert quality.addresses == {"": 3, "landline": 1}


def test_an_id_of_the_practice_stands_in_where_the_layout_lets_it(tmp_path: Path) -> None:
    """ACX-18: by its own ids a generic list may go, an EMIS list needs the NHS number as well."""
    source = listed(tmp_path, ",A1", ",A2", ",A1", heading="NHS Number,EMIS Number")
    assert checked(source, id_scheme="generic").outcomes == {"accepted": 2, "duplicate": 1}
    assert checked(source, id_scheme="emis").outcomes == {"nhs_number_missing": 3}


def test_a_list_without_addresses_is_not_blamed_for_it(tmp_path: Path) -> None:
    """An EMIS list has two columns: the record knows the numbers."""
    source = listed(tmp_path, "9990000018,A1", heading="NHS Number,EMIS Number")
    quality = checked(source, id_scheme="emis")
    assert (quality.outcomes, quality.addresses, quality.stopped) == ({"accepted": 1}, {}, False)


def test_where_the_record_goes_first_the_lists_numbers_are_only_told_of(tmp_path: Path) -> None:
    quality = checked(
        listed(tmp_path, "9990000018,0113 496 0000,31/12/1980"), address_from="record"
    )
    assert (quality.outcomes, quality.addresses) == ({"accepted": 1}, {"landline": 1})


def test_e_mail_addresses_are_judged_for_e_mail(tmp_path: Path) -> None:
    heading = SYSTMONE + ",Email"
    rows = (f"{GOOD},sian@example.org", f"{GOOD.replace('0018', '0026')},nobody", f"{GOOD},")
    quality = checked(listed(tmp_path, *rows, heading=heading), "email")
    assert quality.outcomes == {"accepted": 1, "email_invalid": 1, "duplicate": 1}
    assert quality.addresses == {"": 1, "email_invalid": 1, "email_missing": 1}


def test_a_list_mostly_in_error_is_stopped_before_any_campaign(tmp_path: Path) -> None:
    """And nothing is said of what only the record could tell."""
    quality = checked(listed(tmp_path, *(f"123,07700900123,{day}/02/1980" for day in range(1, 29))))
    assert quality.stopped
    assert quality.whole.stops[0].startswith(
        "28 of 28 rows do not say for certain whose they are (100%)"
    )
    assert {check.name for check in quality.whole.checks} == {
        "rows",
        "unidentified",
        "dummies",
        "errors",
        "placeholders",
        "shared",
        "unreadable",
        "duplicates",
        "somebody",
    }


def test_the_rows_for_the_terminal_say_each_fault_once(tmp_path: Path) -> None:
    source = listed(tmp_path, GOOD, "9990000026,0113 496 0000,1980", "9990000034,,31/12/1980")
    said = [(row.code, row.count) for row in quality_rows(checked(source))]
    assert said == [("birth_date_invalid", 1), ("landline", 1), ("missing", 1)]


def test_the_page_of_a_list_names_its_rows_and_nobody(tmp_path: Path) -> None:
    """Canaries in every column, good cells and bad ones: none is on the page, in a repr or a verdict."""
    heading = SYSTMONE + ",Patient Name,Email"
    source = listed(
        tmp_path,
        "9990000018,07700900123,31/12/1947,CANARY Jones,canary@example.org",
        "CANARYNHS,CANARYMOB,CANARYDOB,CANARY,CANARY",
        "9990000019,0113 496 0000,13/13/1913,CANARY,CANARY@@",
        "9990000018,CANARY",
        heading=heading,
    )
    quality = checked(source)
    page = list_html(source, quality)
    said = page + repr(quality) + "".join(row.says for row in quality_rows(quality))
    values = ("CANARY", "canary", "999000", "7700900", "496", "1947", "1913")
    assert [value for value in values if value in said] == []
    assert "rows 5" in page  # the unreadable one, by its number
    assert "As far as the list alone can tell" in page


class Repeated:
    """A list of so many blocks, each of the same people."""

    columns: Sequence[str] = ("NHS Number",)
    fields: Mapping[str, str] = {"nhs_number": "NHS Number"}
    layout = "generic"

    def __init__(self, blocks: int) -> None:
        self.count = blocks

    def blocks(self) -> Iterator[Block]:
        for start in range(2, 2 + 3 * self.count, 3):
            index = pd.RangeIndex(start, start + 3, name="row_number")
            numbers = ["9990000018", "9990000026", "9990000018"]
            frame = pd.DataFrame({"NHS Number": numbers}, index=index, dtype="str")
            yield Block(frame, np.zeros(3, dtype=bool))


def test_somebody_of_an_earlier_block_is_a_duplicate_too() -> None:
    quality = check_list(Repeated(2), settings=practice(id_scheme="generic"), today=TODAY)
    assert quality.outcomes == {"accepted": 2, "duplicate": 4}


def test_a_list_without_rows_is_stopped() -> None:
    quality = check_list(Repeated(0), settings=practice(id_scheme="generic"), today=TODAY)
    assert (quality.rows, quality.outcomes, quality.faults) == (0, {}, {})
    assert (quality.intake.outcome, quality.whole.outcome) == ("stop", "stop")


KEYS = st.lists(st.lists(st.integers(-3, 3), max_size=6), max_size=6)


@budget(max_examples=80, derandomize=True, deadline=None)
@given(blocks=KEYS)
def test_the_earlier_row_is_the_first_of_all_blocks(blocks: list[list[int]]) -> None:
    """Against the plainest way to find it: look through everything that came before."""
    seen, first, row = Seen(), dict[int, int](), 2
    for keys in blocks:
        rows = pd.RangeIndex(row, row + len(keys))
        found = seen.earlier(np.array(keys, dtype=np.int64), rows)
        expected = []
        for number, key in zip(rows, keys, strict=True):
            expected.append(first.get(key) if key != NOBODY else None)
            first.setdefault(key, number)
        assert [None if pd.isna(value) else value for value in found] == expected
        row += len(keys)
