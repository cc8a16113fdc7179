"""Honest lists pass with at most one question: a warning that always comes is not read any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from clinic.errors import CohortRefused
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.content import require_accepted, still_open
from clinic.record.database import Record
from data_checks.refusal import verdicts_of
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "NHS Number,Mobile,First Name,Surname,Date of Birth"
GIVEN = ("Ann", "Bryn", "Ceri", "Dilys", "Elin", "Farid", "Gwen", "Huw", "Ioan")
FAMILY = (
    "Jones",
    "Pugh",
    "Rees",
    "Okafor",
    "Bevan",
    "Khan",
    "Tudor",
    "Lloyd",
    "Morgan",
    "Singh",
    "Wynne",
)
INVITES = "Dear {{ patient.given_name }}, your flu vaccination is due. Please call us to book."

# How many patients there are, and how many share each telephone
Who = tuple[int, int]


def born(n: int, shared: int) -> date:
    """The first two of a family are adults, the others children."""
    return (
        date(1950 + n % 40, 3, 1 + n % 27) if n % shared < 2 else date(2012 + n % 8, 5, 1 + n % 27)
    )


def mobile(n: int, shared: int) -> str:
    return f"07700 900{n // shared:03}"


def fill(practice: Practice, count: int, shared: int) -> None:
    for n in range(1, count + 1):
        family = FAMILY[n // shared % 11]
        practice.patient(
            n, given_name=GIVEN[n % 9], family_name=family, birth_date=born(n, shared),
            mobile=mobile(n, shared), postcode=f"CF{n // shared % 9 + 1} 1AA",
            address=f"{n // shared} High Street",
        )  # fmt: skip


def row(n: int, shared: int, number: str = "") -> str:
    cells = (nhs(n), number or mobile(n, shared), GIVEN[n % 9], FAMILY[n // shared % 11])
    return ",".join((*cells, f"{born(n, shared):%d/%m/%Y}"))


def newer_numbers(practice: Practice) -> list[str]:
    """5% changed their telephone and told the hospital, whose list it is."""
    fill(practice, 120, 1)
    return [row(n, 1, f"07700 900{700 + n}" if n % 20 == 0 else "") for n in range(1, 121)]


def many_families(practice: Practice) -> list[str]:
    """A practice of families: two parents and two children on one telephone each."""
    fill(practice, 160, 4)
    return [row(n, 4) for n in range(1, 161)]


def every_autumn(practice: Practice, clock: FakeClock) -> list[str]:
    """The same template to nearly all of the practice, as last year."""
    fill(practice, 120, 1)
    practice.run(
        practice.file(*(row(n, 1) for n in range(1, 111)), heading=HEADING), template="flu"
    )
    clock.sleep(timedelta(days=364).total_seconds())
    return [row(n, 1) for n in range(3, 121)]


HONEST: dict[str, tuple[Callable[..., list[str]], int]] = {
    "newer numbers": (newer_numbers, 120),
    "families": (many_families, 160),
    "every autumn": (every_autumn, 118),
}


def questions(practice: Practice, number: int) -> list[str]:
    """The codes of what a person has to answer for before it is sent: of the list, and of the messages."""
    try:
        practice.check(number)
        practice.stage(number)
        require_accepted(practice.record, practice.clock, practice.settings, number)
    except CohortRefused:
        with practice.record.read() as connection:
            stops = [
                check.name
                for one in verdicts_of(connection, number)
                for check in one.checks
                if check.stops
            ]
            words = [one.code for one in still_open(connection, get_campaign(connection, number))]
        return stops + words
    return []


@pytest.mark.parametrize("name", HONEST)
def test_an_everyday_list_asks_one_question_at_most_and_loses_nobody(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, name: str
) -> None:
    """NEW-24, NEW-25, NEW-27, NEW-30: the demo's list is in tests/cli/begin/test_demo.py."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.template(INVITES, key="flu")
    make, rows = HONEST[name]
    lines = make(practice, clock) if make is every_autumn else make(practice)
    path = practice.file(*lines, heading=HEADING, name="this-year.csv")
    number = practice.begin(path, template="flu", request_key="this-year")
    asked = questions(practice, number)
    assert len(asked) <= 1, asked
    if asked:  # and it is answered once, by whoever knows the list
        accept = dict.fromkeys(asked, f"{rows} is right: it is all of them")
        number = practice.begin(
            path, template="flu", request_key="answered", accept=accept, requested_by="nia"
        )
        assert questions(practice, number) == []
    # And nobody is left out as if something were wrong with their row
    told = Counter(outcome.partition(" ")[0] for outcome in practice.outcomes(number).values())
    assert told == {"accepted": rows}
