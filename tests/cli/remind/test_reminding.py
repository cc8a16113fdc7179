"""`cohort remind`: what is asked, what is shown before anything is sent, and that a look gives no reminder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from cli.remind.options import Choice, ask_rows, commands_after_look, require_seen, to_request
from clinic.clock import SystemClock
from clinic.errors import CohortRefused
from clinic.message import states
from clinic.message.campaign.override import Override, override_of
from clinic.message.outcomes.report import list_campaigns
from clinic.message.prepare.stage import stage
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.message.template.variables import Setting
from clinic.record.database import Record
from clinic.record.schema.base import METADATA
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment, facility, patient, provider
from clinic.record.schema.receipts import reminder
from clinic.settings import Settings
from data_checks.cohort import check_cohort
from tests.cli.conftest import Type

CLOCK = SystemClock()  # the program reads the real one
SETTINGS = Settings(phones={"test_range": True})  # type: ignore[arg-type]
# Any two of what is on one line of the table below mean one of these visits, and either alone means two
VISITS: tuple[dict[str, Any], ...] = (
    {
        "place": "Room 4", "facility_id": 1, "provider_id": 1, "visit_type": "smear",
        "mode": "in_person", "session_type": "clinic",
    },
    {
        "place": "Room 5", "facility_id": 2, "provider_id": 2, "visit_type": "smear", "mode": "video",
        "session_type": "clinic", "booking_requirement": "interpreter",
    },
    {
        "place": "Room 5", "facility_id": 2, "provider_id": 1, "visit_type": "visit", "mode": "video",
        "booking_requirement": "interpreter",
    },
)  # fmt: skip


@pytest.fixture
def office(installed: Record) -> Record:
    """Two sites, two providers; patients 1 to 3 are seen tomorrow, in this order, and 4 has no mobile."""
    tomorrow = CLOCK.now() + timedelta(days=1)
    with installed.write() as connection:
        for n in (1, 2):
            connection.execute(sa.insert(facility).values(id=n, code=f"F{n}", name=f"Site {n}"))
            connection.execute(
                sa.insert(provider).values(id=n, code=f"P{n}", name=f"Dr {n}", speciality=f"S{n}")
            )
        for n in (1, 2, 3, 4):
            connection.execute(
                sa.insert(patient).values(
                    id=n, given_name=f"Given{n}", family_name="Jones", birth_date=date(1930 + 20 * n, 3, 2),
                    mobile=None if n == 4 else f"0770090000{n}",
                )
            )  # fmt: skip
            connection.execute(
                sa.insert(appointment).values(
                    patient_id=n, starts_at=tomorrow + timedelta(minutes=n), **VISITS[min(n, 3) - 1]
                )
            )
    return installed


def look(typed: Type, *words: str) -> Any:
    told = typed("remind", "--preview", "--json", *words)
    assert told.code == 0, told.err
    return told.json()


def test_a_look_lists_each_message_with_patient_number_and_visit_and_leaves_nothing_behind(
    typed: Type, office: Record
) -> None:
    """COM-5: preview, then the list of messages with patient and number; nothing is given or kept."""
    before = _everything(office)
    told = typed("remind", "--preview")
    assert told.code == 0, told.err
    assert [row[:3] for row in told.rows()] == [
        [f"{n}", f"Given{n} Jones", f"+44770090000{n}"] for n in (1, 2, 3)
    ]
    assert all(row[4].startswith("Reminder for Given") for row in told.rows())
    for part in ("4 appointments", "3 accepted", "phone_missing", "3 segments", "Starts", "--seen"):
        assert part in told.err
    assert _everything(office) == before


def test_every_parameter_of_the_report_narrows_the_list(typed: Type, office: Record) -> None:
    """COM-5, COM-15: first and last date, place, provider and the other filters; all must match."""
    today = CLOCK.now().date()
    days = [f"{today + timedelta(days=n)}" for n in range(4)]
    table: tuple[tuple[tuple[str, ...], list[int]], ...] = (
        (("--provider", "P1", "--facility", "F2"), [3]),
        (("--place", "Room 5", "--speciality", "S1"), [3]),
        (("--type", "smear", "--mode", "video"), [2]),
        (("--session-type", "clinic", "--booking-requirement", "interpreter"), [2]),
        (("--from", days[0], "--to", days[3], "--minimum-age", "50"), [1, 2]),
        (("--from", days[3]), []),
    )
    for words, patients in table:
        found = [row["patient"] for row in look(typed, *words)["messages"]]
        assert found == [f"Given{n} Jones" for n in patients], words


def test_a_local_template_serves_too(typed: Type, office: Record) -> None:
    """COM-5, COM-15: one's own template beside the vendor's."""
    own = NewTemplate("own", "Own", "reminder", "See you at {{ appointment.time }}.")
    add_template(office, CLOCK, own, by="nia")
    found = look(typed, "--template", "own")["messages"]
    assert {row["body"][:10] for row in found} == {"See you at"}


def test_what_does_not_exist_is_told_with_what_does(typed: Type, office: Record) -> None:
    """COM-5, COM-15: a slip never means nobody."""
    today = CLOCK.now().date()
    table = (
        (("--place", "Room 44"), "there are: Room 4, Room 5"),
        (("--provider", "P9"), "there are: P1, P2"),
        (("--facility", "F9"), "there are: F1, F2"),
        (("--type", "smaer"), "there are: smear, visit"),
        (("--speciality", "S9"), "there are: S1, S2"),
        (("--template", "own"), "there are: annual-review, appointment-reminder"),
        (("--days", "2", "--to", f"{today}"), "--days, or --from and --to"),
        (("--to", "2020-01-01"), "in the past"),
        (("--from", "2999-01-01", "--to", "2999-01-02"), "too far ahead"),
        (("--from", "1 March"), "write a day as 2026-12-05"),
        (("--channel", "email", "--leave-out", "x"), "commas between"),
    )
    before = _everything(office)
    for words, says in table:
        told = typed("remind", *words)
        assert (told.code, told.out) == (2, ""), words
        assert says in " ".join(told.err.split()), told.err
    assert _everything(office) == before


def test_without_a_yes_nothing_is_sent_or_given_and_no_name_stands_in_a_log(
    typed: Type, office: Record
) -> None:
    """COM-5, ARC-6: confirm first; whoever walks away keeps nobody from being reminded."""
    before = _everything(office)
    told = typed("remind")
    assert (told.code, "not-confirmed" in told.err) == (3, True), told.err
    assert "Jones" not in told.err + told.out
    # Beside each text its number, so that somebody can see that it is another's (NEW-24); nowhere else
    numbers = [line for line in (told.err + told.out).splitlines() if "+4477" in line]
    assert [line for line in numbers if " · to +4477" not in line] == []
    assert _everything(office) == before


def test_rows_to_leave_out_are_of_the_list_that_was_looked_at(typed: Type, office: Record) -> None:
    """COM-5: deselect; on another list another patient stands in that row."""
    seen = look(typed)["seen"]
    left_out = typed("remind", "--leave-out", "1,3", "--seen", seen)
    assert (left_out.code, "Without 2 that you leave out: 1 message" in left_out.err) == (3, True)
    none = typed("remind", "--leave-out", "1,2,3", "--seen", seen, "--yes")
    assert (none.code, "every row is left out" in none.err) == (3, True)
    with office.write() as connection:  # somebody books an earlier visit
        soon = CLOCK.now() + timedelta(hours=1)
        connection.execute(sa.insert(appointment).values(patient_id=3, starts_at=soon, place="x"))
    changed = typed("remind", "--yes", "--leave-out", "1,3", "--seen", seen)
    assert (changed.code, "list-not-seen" in changed.err) == (2, True)
    assert list_campaigns(office) == []


@pytest.mark.parametrize("seen", [None, "bbbb"])
def test_rows_are_left_out_of_no_list_that_nobody_looked_at(seen: str | None) -> None:
    """COM-5: with --yes no person sees which list the rows are of."""
    with pytest.raises(CohortRefused) as refused:
        require_seen(Choice(leave_out=(3,), seen=seen), "aaaa", unasked=True)
    assert refused.value.code == "list-not-seen"
    require_seen(Choice(leave_out=(3,), seen="aaaa"), "aaaa", unasked=True)


def test_a_long_list_is_cut_unless_all_of_it_is_asked_for(typed: Type, office: Record) -> None:
    with office.write() as connection:
        for n in range(10, 35):
            number = f"077009000{n}"
            connection.execute(sa.insert(patient).values(id=n, given_name="G", mobile=number))
            at = CLOCK.now() + timedelta(days=1)
            connection.execute(sa.insert(appointment).values(patient_id=n, starts_at=at, place="x"))
    told = typed("remind", "--preview")
    assert (len(told.rows()), "and 8 more; --all" in told.err) == (20, True)
    assert len(typed("remind", "--preview", "--all").rows()) == 28


@pytest.mark.parametrize(
    ("state", "code", "says"),
    [
        (states.DELIVERED, 0, "Everybody who can be is reminded already: 3 appointments."),
        (states.CANCELLED, 2, "nobody can be reminded: 1 phone_missing"),
    ],
)
def test_a_second_run_says_that_everybody_is_reminded_if_they_are(
    typed: Type, office: Record, state: str, code: int, says: str
) -> None:
    """COM-2, COM-5: one reminder an appointment, by the nightly run or by hand."""
    made = begin_reminders(
        office, CLOCK, SETTINGS, ReminderRequest(), request_key="night", gateway="outbox",
        batch_limit=1000,
    )  # fmt: skip
    check_cohort(office, CLOCK, SETTINGS, made)
    stage(office, made, setting=Setting(SETTINGS.organisation, CLOCK.now()), most_segments=6)
    with office.write() as connection:
        connection.execute(sa.update(message).values(state=state))
    told = typed("remind", "--yes")
    assert (told.code, says in told.err) == (code, True), told.err
    assert len(list_campaigns(office)) == 1


def test_who_may_not_ask_for_an_approval_keeps_nobody_from_being_reminded(
    typed: Type, office: Record
) -> None:
    """COM-5, NEW-1: refused, and the appointments are the next run's."""
    asked = typed("settings", "ask", "release.approval_above", "1", "--reason", "two look at all")
    assert asked.code == 0, asked.err
    told = typed("remind", "--yes")
    assert (told.code, "request-not-allowed" in told.err) == (3, True), told.err
    assert [line.verdict for line in list_campaigns(office)] == ["refused"]
    assert look(typed)["accepted"] == 3


def test_rows_are_asked_for_until_the_answer_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    answers: Iterator[str] = iter(["three", "3,99", "3, 7"])
    assert ask_rows(10, lambda: next(answers)) == [3, 7]
    assert "rows are 1 to 10" in " ".join(capsys.readouterr().err.split())
    assert ask_rows(10, lambda: "") == []


def test_the_command_to_type_next_means_the_same_request() -> None:
    values = {
        "place": "Room 4",
        "visit_type": "smear",
        "last_date": date(2026, 3, 4),
        "dry_run": True,
    }
    request = to_request(values, today=date(2026, 3, 2))
    first, second = commands_after_look(request, "abc")
    assert first == (
        "cohort remind --to 2026-03-04 --place 'Room 4' --type smear --dry-run --seen abc"
    )
    assert second == f"{first} --leave-out ROWS"


def _everything(record: Record) -> dict[str, int]:
    """How many rows each table has, and how many reminders are given."""
    with record.read() as connection:
        found = {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in METADATA.sorted_tables
            if not table.name.startswith("access_")  # that somebody looked stays
        }
        given = sa.select(sa.func.count()).where(reminder.c.message_id.is_not(None))
        return found | {"given": connection.scalar(given) or 0}


def test_who_answers_for_a_reminder_list_that_its_checks_stop_is_kept_with_it(
    office: Record, typed: Type
) -> None:
    """ARC-9: as of a campaign's list; and the command after the look says it again."""
    asked = ReminderRequest(override_gate="The dates were checked", requested_by="nia")
    number = begin_reminders(
        office, CLOCK, SETTINGS, asked, request_key="night", gateway="outbox", batch_limit=1000
    )
    with office.read() as connection:
        assert override_of(connection, number) == Override("nia", "The dates were checked", False)
    assert "override_gate" not in asked.criteria()
    look_again, _ = commands_after_look(asked.model_copy(update={"requested_by": None}), "abc")
    assert "--override-gate 'The dates were checked'" in look_again
    told = typed("remind", "--preview", "--override-gate", "  ")
    assert told.code == 2, told.err
