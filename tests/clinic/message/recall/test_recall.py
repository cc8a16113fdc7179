"""NEW-31: whoever a recall did not reach is a follow-up with an owner and a date, until a person closes it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed, NotFound
from clinic.gateway.received import Inbound, Receipt
from clinic.govern.people.operators import Operator, add_operator
from clinic.govern.people.roles import Role
from clinic.message.audience.audience import Audience
from clinic.message.audience.classes import RECALL
from clinic.message.campaign.campaign import get_campaign, refuse
from clinic.message.campaign.said import said_of
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import apply_replies, keep_replies
from clinic.message.prepare import control
from clinic.message.prepare.approve import counts_of
from clinic.message.recall.follow_ups import (
    RecallFollowUp,
    close,
    give,
    list_recall_follow_ups,
    open_by_owner,
)
from clinic.message.recall.standing import RecallStanding, standing_of
from clinic.message.recall.unreached import list_unreached
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import patient
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

SCREENED = "73211009"
ANN = Operator("ann", "operator", active=True)
# Row of the list → why it is a follow-up before the recall date; the others were reached, or are nobody's
EARLY = {
    3: "phone_missing",
    4: "opted_out",
    5: "undelivered",
    6: "status_not_messaged",
    12: "nhs_number_invalid",
}
# And on that day: row 8 has the code, row 7 answered, row 13 said STOP, and 14 shares a number with 15
LATE = dict.fromkeys((2, 9, 13, 14, 15), "recall_unanswered")


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(8)
    changes: dict[int, dict[str, object]] = {
        2: {"mobile": None}, 5: {"status": "discharged"}, 9: {"death_date": date(2026, 1, 1)},
        14: {"mobile": "07700900777"}, 15: {"mobile": "07700900777"},
    }  # fmt: skip
    with record.write() as connection:
        for n in (2, 5):
            connection.execute(sa.update(patient).where(patient.c.id == n).values(changes[n]))
    for n in (9, 13, 14, 15):
        made.patient(n, **changes.get(n, {}))
    made.decides(3, "opt_out")
    return made


def sent(practice: Practice, **values: object) -> int:
    """A recall to thirteen rows, sent; receipts say that all were delivered but that of patient 4."""
    rows = [nhs(n) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9)] + [nhs(8), "9990000001"]
    rows += [nhs(n) for n in (13, 14, 15)]
    by = practice.clock.now().date() + timedelta(days=30)
    asked = {"recall_by": by, "recall_owner": "Managers", "recall_codes": [SCREENED]} | values
    number = practice.begin(practice.file(*rows), **asked)
    practice.finish(number)
    base = practice.message_base(number)
    told = [
        Receipt("fake", f"e{row}", base + row, said, None, None, None)
        for row, said in (
            *((row, "delivered") for row in (2, 7, 8, 9, 13, 14, 15)),
            (5, "undelivered"),
        )
    ]
    keep_receipts(practice.record, practice.clock, told)
    apply_receipts(practice.record, practice.clock)
    return number


def answer(practice: Practice, event: str, sender: str, text: str) -> None:
    at = practice.clock.now()
    replies = [Inbound("fake", event, "sms", sender, text, at)]
    keep_replies(practice.record, practice.clock, replies, practice.settings.phones)
    apply_replies(practice.record, practice.clock, practice.settings.phones)


def listed(practice: Practice) -> int:
    return list_unreached(practice.record, practice.clock, practice.settings)


def why(found: list[RecallFollowUp]) -> dict[int, str]:
    return {each.row_number: each.code for each in found}


def stands(practice: Practice, today: date) -> RecallStanding:
    with practice.record.read() as connection:
        (found,) = standing_of(connection, today, None)
    return found


def test_a_recall_is_complete_once_a_person_closed_everybody_it_did_not_reach(
    practice: Practice, clock: FakeClock
) -> None:
    """NEW-31: before its day, on it, and after; run again nothing is listed twice."""
    number = sent(practice)
    by = clock.now().date() + timedelta(days=30)
    assert (listed(practice), listed(practice)) == (len(EARLY), 0)
    early = list_recall_follow_ups(practice.record)
    assert why(early) == EARLY
    assert {(each.team, each.due_on) for each in early} == {("managers", by)}
    assert early[0].patient == nhs(2)
    assert stands(practice, by).state == "running"

    clock.sleep(3 * 86_400)
    answer(practice, "r1", "+447700900006", "I will come, thank you")
    answer(practice, "r2", "+447700900013", "STOP")
    answer(practice, "r3", "+447700900777", "Yes please")
    with practice.record.write() as connection:
        values = {"patient_id": 7, "code": SCREENED, "text": "done", "status": "active"}
        connection.execute(sa.insert(diagnosis).values(**values, onset=clock.now().date()))
    assert listed(practice) == 0

    clock.sleep(28 * 86_400)
    assert (listed(practice), listed(practice)) == (len(LATE), 0)
    assert why(list_recall_follow_ups(practice.record)) == EARLY | LATE
    today = clock.now().date()
    found = stands(practice, today)
    assert (found.state, found.open, found.overdue) == ("open", len(EARLY | LATE), len(EARLY))

    count = close(practice.record, clock, [f"c{number}.3", f"c{number}.4"], by=ANN)
    assert (count, close(practice.record, clock, [f"c{number}.3"], by=ANN)) == (2, 0)
    assert close(practice.record, clock, [f"C{number}"], by=ANN) == len(EARLY | LATE) - 2
    found = stands(practice, today)
    assert (found.state, found.open, found.listed) == ("complete", 0, len(EARLY | LATE))
    assert close(practice.record, clock, [f"c{number}.9"], by=ANN, done=False) == 1
    assert stands(practice, today).state == "open"


def test_what_comes_afterwards_is_noted_and_a_person_closes(
    practice: Practice, clock: FakeClock
) -> None:
    """NEW-31: a late receipt, an answer, a code; and a campaign of the same list that did reach them."""
    number = sent(practice, list_name="Smears")
    listed(practice)
    clock.sleep(31 * 86_400)
    listed(practice)
    late = Receipt("fake", "late", practice.message_base(number) + 5, "delivered", None, None, None)
    keep_receipts(practice.record, clock, [late])
    apply_receipts(practice.record, clock)
    answer(practice, "r9", "+447700900008", "Sorry, was away")
    with practice.record.write() as connection:
        connection.execute(sa.update(patient).where(patient.c.id == 2).values(mobile="07700900002"))
    again = practice.begin(
        practice.file(nhs(2), name="again.csv"), list_name="Smears", request_key="again"
    )
    practice.finish(again)
    receipt = Receipt("fake", "a2", practice.message_base(again) + 2, "delivered", None, None, None)
    keep_receipts(practice.record, clock, [receipt])
    apply_receipts(practice.record, clock)
    assert listed(practice) == 0
    news = {each.row_number: each.news for each in list_recall_follow_ups(practice.record)}
    assert {row: said for row, said in news.items() if said} == {
        3: "delivered since", 5: "delivered since", 9: "has answered since",
    }  # fmt: skip
    assert len(news) == len(EARLY | LATE) + 2  # rows 7 and 8 as well: nothing came from them


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("I will come on Friday", True),
        ("Ydw, diolch", True),
        ("Wrong number, mate", False),
        ("She died in May", False),
        ("please stop texting me", False),
        ("I have chest pain", False),
        ("HELP", False),
        ("start", False),
        ("STOP", False),
    ],
)
def test_a_reply_that_says_nothing_of_the_recall_is_no_answer(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, text: str, answers: bool
) -> None:
    """NEW-31: a recall is not complete because somebody wrote "wrong number"."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(1)
    by = clock.now().date() + timedelta(days=5)
    practice.finish(practice.begin(practice.everybody(1), recall_by=by))
    answer(practice, "r1", "+447700900001", text)
    clock.sleep(6 * 86_400)
    listed(practice)
    today = clock.now().date()
    assert stands(practice, today).state == ("complete" if answers else "open")
    clock.sleep(60)
    answer(practice, "r2", "+447700900001", text)
    listed(practice)
    news = [each.news for each in list_recall_follow_ups(sqlite_record)]
    assert news == ([] if answers else [""])


def test_what_came_before_the_message_left_is_no_answer_to_it(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-31: released on Monday and spread over a week, a reply of Tuesday is to something else."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(1)
    by = clock.now().date() + timedelta(days=5)
    number = practice.begin(practice.everybody(1), recall_by=by)
    practice.check(number)
    batches = practice.stage(number)
    clock.sleep(3600)
    answer(practice, "r1", "+447700900001", "Thanks, see you tomorrow")
    clock.sleep(3600)
    practice.send(number, batches)
    clock.sleep(6 * 86_400)
    listed(practice)
    assert why(list_recall_follow_ups(sqlite_record)) == {2: "recall_unanswered"}


@pytest.mark.parametrize("code", ["coded_since", "deselected", "duplicate", "patient_fictitious"])
def test_whoever_has_had_it_or_was_left_out_by_a_person_is_nobodys_follow_up(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, code: str
) -> None:
    """NEW-31: before the send, and at the last moment; who left the cohort as well."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(3)
    by = clock.now().date() + timedelta(days=5)
    number = practice.begin(practice.everybody(3), recall_by=by)
    practice.finish(number)
    with sqlite_record.write() as connection:
        which = (recipient.c.campaign_id == number) & (recipient.c.row_number == 2)
        connection.execute(sa.update(recipient).where(which).values(outcome=code))
        for n, reason in ((2, "cohort_left"), (3, "coded_since")):
            left = {"state": "suppressed", "reason": reason}
            connection.execute(sa.update(message).where(message.c.patient_id == n).values(left))
    clock.sleep(6 * 86_400)
    assert listed(practice) == 0
    assert stands(practice, clock.now().date()).state == "complete"


def test_nothing_is_written_where_nothing_is_new(practice: Practice, clock: FakeClock) -> None:
    """NEW-31: a run does not wait for another writer, however many rows and follow-ups are open."""
    sent(practice)
    assert listed(practice) == len(EARLY)
    with practice.record.write():
        assert listed(practice) == 0


@pytest.mark.parametrize("block", [1, 4, 5])
def test_rows_are_listed_block_by_block(practice: Practice, block: int) -> None:
    sent(practice)
    count = list_unreached(practice.record, practice.clock, practice.settings, block=block)
    assert count == len(EARLY)
    assert why(list_recall_follow_ups(practice.record)) == EARLY


@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("list-refused", 3), ("over-cap", 3), ("content-not-accepted", 3),
        ("not-confirmed", 0), ("previewed", 0), ("approval-rejected", 0),
    ],
)  # fmt: skip
def test_of_a_refused_list_everybody_is_a_follow_up_unless_a_person_said_no(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, code: str, rows: int
) -> None:
    """NEW-31: also of one whose rows were never judged."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(3)
    by = clock.now().date()
    number = practice.begin(practice.everybody(3), recall_by=by)
    refuse(sqlite_record, number, code)
    assert listed(practice) == rows
    assert {each.team for each in list_recall_follow_ups(sqlite_record)} <= {"reception"}


def test_nothing_is_listed_while_rows_may_be_judged_again_and_what_is_cancelled_is(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(2)
    by = clock.now().date() + timedelta(days=9)
    number = practice.begin(practice.file(nhs(1), nhs(2), "12"), recall_by=by)
    practice.check(number)
    practice.stage(number)
    dry = practice.begin(practice.everybody(2), recall_by=by, dry_run=True, request_key="dry")
    practice.finish(dry)
    assert listed(practice) == 0
    with sqlite_record.read() as connection:
        assert get_campaign(connection, number).state == "checking"
    control.cancel(sqlite_record, clock, number, by="ann", reason="wrong week")
    assert listed(practice) == 3
    assert why(list_recall_follow_ups(sqlite_record)) == {
        2: "cancelled", 3: "cancelled", 4: "nhs_number_invalid",
    }  # fmt: skip


def test_follow_ups_are_given_to_a_team_or_an_operator_of_the_practice(
    practice: Practice, clock: FakeClock
) -> None:
    number = sent(practice)
    listed(practice)
    people: tuple[tuple[str, Role], ...] = (("root", "admin"), ("ann", "operator"))
    for name, role in people:
        add_operator(
            practice.record, clock, name=name, role=role, secret="long-enough-secret", by="root"
        )
    assert give(practice.record, clock, [f"c{number}.3"], to="Ann", by=ANN) == 1
    assert open_by_owner(practice.record) == {"managers": len(EARLY) - 1, "ann": 1}
    assert [each.row_number for each in list_recall_follow_ups(practice.record, owner="ann")] == [3]
    with pytest.raises(NotFound, match="no team or active operator"):
        give(practice.record, clock, [f"c{number}.3"], to="nobody", by=ANN)
    with pytest.raises(NotFound, match=r"no follow-up c9\.1"):
        close(practice.record, clock, ["c9.1"], by=ANN)
    with pytest.raises(NotAllowed):
        close(practice.record, clock, [f"c{number}"], by=Operator("root", "admin", active=True))


def test_a_template_of_the_class_recall_makes_it_one_with_the_usual_date_and_owner(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-31: nobody has to think of it, in the form, on a schedule or in the terminal."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(2)
    of_class = NewTemplate(
        "smear", "Smear", "recall", "Your smear is due.", audience=Audience(classes=(RECALL,))
    )
    add_template(sqlite_record, clock, of_class, by="nia")
    practice.begin(practice.everybody(2))
    number = practice.begin(practice.everybody(2), template="smear", request_key="smear")
    today = clock.now().date()
    with sqlite_record.read() as connection:
        (found,) = standing_of(connection, today, None)
    usual = practice.settings.recall
    assert (found.campaign_id, found.owner) == (number, usual.owner)
    assert found.by == today + timedelta(days=usual.days)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"recall_owner": "reception"}, "recall-date-missing"),
        ({"recall_codes": [SCREENED]}, "recall-date-missing"),
        ({"recall_by": date(2020, 1, 1)}, "recall-date-past"),
    ],
)
def test_a_recall_has_a_date_that_is_to_come(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, asked: dict[str, object], code: str
) -> None:
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(1)
    with pytest.raises(CohortRefused) as told:
        practice.begin(practice.everybody(1), **asked)
    assert told.value.code == code


@pytest.mark.parametrize(
    ("cohort", "asked", "remarks", "coverage"),
    [
        (
            "file", ["status:active"], ["coverage"],
            "1 of 2 eligible patients (status:active) are not on the list",
        ),
        ("file", ["status:lost"], ["coverage"], "nobody is eligible by status:lost: look at what was asked"),
        ("file", [], ["coverage_not_asked"], "nobody asked who is eligible"),
        ("filter", [], [], ""),
    ],
)  # fmt: skip
def test_who_approves_reads_that_it_is_a_recall_and_whether_its_list_lacks_anybody(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, cohort: str, asked: list[str],
    remarks: list[str], coverage: str,
) -> None:  # fmt: skip
    """NEW-31: its date, owner and codes, who is a follow-up at once; a filter's list lacks nobody of it."""
    statuses = ("active", "discharged", "lost")
    practice = Practice(sqlite_record, clock, tmp_path, statuses=statuses)
    practice.patients(2)
    practice.patient(3, mobile=None, status="discharged")
    practice.patient(4, death_date=date(2026, 1, 1))
    by = clock.now().date() + timedelta(days=9)
    listed = practice.file(nhs(1), nhs(1), nhs(3), nhs(4), "12")
    number = practice.begin(
        listed if cohort == "file" else {"status": "active"}, covers=asked, recall_by=by,
        recall_codes=[SCREENED],
    )  # fmt: skip
    practice.check(number)
    practice.stage(number)
    with sqlite_record.read() as connection:
        seen = counts_of(connection, get_campaign(connection, number), practice.settings)
        said = [one for one in said_of(connection, number) if one.code.startswith("coverage")]
    assert seen["recall"] == (
        f"answers by {by:%-d %b %Y}; follow-ups are those of reception; an answer is also the code {SCREENED}"
    )
    assert seen["follow-ups at once"] == (2 if cohort == "file" else 0)
    assert coverage in str(seen.get("coverage", ""))
    assert ("coverage" in seen) is bool(coverage)
    assert [one.code for one in said] == remarks
