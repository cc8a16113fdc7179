"""Bulk messages at the desk: the list, one of them, its errors, its files, and a person's hand on it."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinic.govern.people.facilities import set_facilities
from clinic.message import states
from clinic.message.prepare.approve import release_campaign
from clinic.message.timing.timing import timing_of
from clinic.record.schema.govern import access_log, audit_act
from clinic.record.schema.messages import batch, campaign
from clinic.record.schema.people import facility, patient
from tasks.wiring import Wiring
from tests.desk.visitors import Visitor
from tests.fakes import FakeGateway
from tests.main_job import Practice, nhs


def cells(text: str) -> list[list[str]]:
    """The rows of the page's first table, without what only a narrow page shows."""
    plain = re.sub(r'<span class="nhsuk-table-responsive__heading".*?</span>', "", text, flags=re.S)
    rows = re.findall(r'<tr class="nhsuk-table__row" role="row">(.*?)</tr>', plain, re.S)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.S)
        ]
        for row in rows
    ][1:]


def failed(practice: Practice, count: int = 3, name: str = "Reviews") -> int:
    """A campaign of which all messages are turned down."""
    practice.gateway = FakeGateway(plan=["reject"])
    practice.template("Please book your check.", key="other")
    number = practice.begin(
        practice.everybody(count), request_key="failed", list_name=name, template="other"
    )
    practice.finish(number)
    practice.gateway = FakeGateway()
    return number


def running(practice: Practice, count: int = 2) -> int:
    """A campaign that was released, and of which nothing is sent yet."""
    practice.patients(count)
    number = practice.begin(practice.everybody(count))
    practice.check(number)
    practice.stage(number)
    timing = timing_of(practice.settings)
    release_campaign(practice.record, practice.clock, practice.settings, number, timing)
    return number


def state_of(practice: Practice, number: int) -> str:
    with practice.record.read() as connection:
        own = sa.select(campaign.c.state).where(campaign.c.id == number)
        return str(connection.scalar(own))


def test_all_are_listed_the_newest_first_with_what_a_practice_asks(
    practice: Practice, visitor: Visitor
) -> None:
    """PAT-3 and PAT-5: links. PAT-4, PAT-19, PAT-20: OK and Error; of a dry run it is said."""
    practice.patients(4)
    practice.run(practice.everybody(2), request_key="good", list_name="Flu")
    failed(practice, 3, "Asthma")
    practice.template("Only to try.", key="try")
    practice.run(
        practice.everybody(4), request_key="dry", list_name="Try", dry_run=True, template="try"
    )
    visitor.sign_in("olwen")
    page = visitor.see("/messages")
    assert '<a class="nhsuk-header__navigation-link" href="/messages"' in visitor.see("/").text
    assert re.search(r'href="/messages/new".*>Create new bulk message</a>', page.text)
    rows = cells(page.text)
    assert [(row[1], row[2], row[3], row[4], row[5]) for row in rows] == [
        ("Only to try.", "nia", "Text message", "Try, 4 rows", "OK Dry run"),
        ("Please book your check.", "nia", "Text message", "Asthma, 3 rows", "Error"),
        ("Hello, your review is due.", "nia", "Text message", "Flu, 2 rows", "OK"),
    ]
    assert all(re.match(r"\d+ \w+ \d{4}, \d\d:\d\d", row[0]) for row in rows)


def test_the_list_is_gone_through_in_pages(practice: Practice, visitor: Visitor) -> None:
    """PAT-4: each campaign is on one page, whatever comes in between."""
    practice.patients(28)
    for n in range(27):
        path = practice.file(nhs(n + 1), name=f"{n}.csv")
        practice.begin(path, request_key=f"k{n}", list_name=f"L{n}")
    visitor.sign_in("olwen")
    first = visitor.see("/messages").text
    practice.begin(practice.file(nhs(28)), request_key="late", list_name="Late")
    older = re.search(r'href="(/messages\?before=\d+)"', first)
    assert older
    second = visitor.see(older[1]).text
    seen = [row[4] for row in cells(first) + cells(second)]
    assert seen == [f"L{n}, 1 row" for n in reversed(range(27))]
    assert "Older</span>" not in second


def test_one_is_shown_with_counts_that_add_up(practice: Practice, visitor: Visitor) -> None:
    """PAT-21, NEW-6: each row of the list is in one bar, and in one line of the table of the same numbers."""
    practice.patients(3)
    practice.patient(4, mobile=None)
    practice.patient(5, death_date=practice.clock.now().date())
    practice.run(practice.everybody(5))
    visitor.sign_in("olwen")
    page = visitor.see("/messages/1").text
    rows = cells(page)
    assert rows[:3] == [["Sent, no receipt yet", "3"], ["Not accepted", "2"], ["All rows", "5"]]
    assert page.count('class="desk-bar') - page.count('class="desk-bars') == 2
    assert "Hello, your review is due." in page
    assert "plain, version 1" in page
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(access_log)) == 0


def test_what_it_cost_so_far_is_told_at_the_prices_of_the_settings(
    practice: Practice, visitor: Visitor, parts: Wiring
) -> None:
    """COM-14: three messages of a segment each, at 0.04."""
    practice.patients(3)
    practice.run(practice.everybody(3))
    parts.settings = parts.settings.model_copy(
        update={"sms": parts.settings.sms.model_copy(update={"segment_cost": 0.04})}
    )
    visitor.sign_in("olwen")
    assert "0.12 for 3 segments" in visitor.see("/messages/1").text


def test_progress_is_fetched_again_only_while_something_moves(
    practice: Practice, visitor: Visitor
) -> None:
    """NEW-9: a running one asks every two seconds; without scripts a plain link does the same."""
    running(practice)
    visitor.sign_in("olwen")
    page = visitor.see("/messages/1").text
    assert 'hx-trigger="every 2s"' in page
    assert 'href="/messages/1">Refresh</a>' in page
    assert "Messages tried: 0 of 2" in page
    visitor.sign_in("olwen")
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(state=states.COMPLETED))
    practice.clock.sleep(3)  # what was counted is kept for two seconds
    part = visitor.see("/messages/1/standing").text
    assert "hx-trigger" not in part
    assert "<html" not in part


def test_only_patients_with_errors_are_shown_and_that_is_logged(
    practice: Practice, visitor: Visitor
) -> None:
    """PAT-22, NEW-37: who is shown stands in the access log, each by name of who looked."""
    practice.patients(2)
    practice.patient(3, mobile=None)
    practice.run(practice.everybody(3))
    visitor.sign_in("olwen")
    page = visitor.see("/messages/1/errors").text
    assert cells(page) == [
        [
            "4",
            nhs(3),
            "phone missing: No number.",
            "No mobile number. Contact another way, or add one.",
        ]
    ]
    assert nhs(1) not in page
    with practice.record.read() as connection:
        row = connection.execute(sa.select(access_log)).one()
    assert (row.person, row.command, row.subject, row.subject_id, row.patients, row.proven) == (
        "olwen", "desk message errors", "campaign", 1, 1, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("only", "rows"),
    [("all", [2, 3, 4]), ("not_accepted", [4]), ("not_messaged", [4]), ("errors", [4])],
)
def test_the_list_is_downloaded_with_what_became_of_each_row(
    practice: Practice, visitor: Visitor, only: str, rows: list[int]
) -> None:
    """ACX-26, ACX-27, ASVS 1.2.10: a file of its own name, safe in a spreadsheet, and logged."""
    practice.patients(2)
    practice.patient(3, mobile=None)
    path = practice.file(
        *(f"{nhs(n)},=1+1" for n in (1, 2, 3)), heading="NHS Number,Mobile Telephone"
    )
    practice.run(path)
    visitor.sign_in("olwen")
    answer = visitor.see(f"/messages/1/outcomes.csv?only={only}")
    name = f"bulk-message-1-{only.replace('_', '-')}.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    found = list(csv.reader(io.StringIO(answer.text)))
    assert [int(row[0]) for row in found[1:] if row[0]] == rows
    assert not any(cell.startswith("=") for row in found for cell in row)
    with practice.record.read() as connection:
        row = connection.execute(sa.select(access_log)).one()
    assert (row.command, row.patients) == ("desk message file", len(rows))


@pytest.mark.parametrize("path", ["/messages/1/outcomes.csv?only=everything", "/messages/2"])
def test_what_is_not_there_is_not_found(practice: Practice, visitor: Visitor, path: str) -> None:
    practice.patients(1)
    practice.run(practice.everybody(1))
    visitor.sign_in("olwen")
    assert visitor.see(path).status_code == 404


def test_a_person_pauses_resumes_and_cancels_it_each_with_a_reason(
    practice: Practice, visitor: Visitor
) -> None:
    """NEW-9: what each does is said first; what was said stands on the trail; twice is once."""
    number = running(practice)
    visitor.sign_in("olwen")
    for step, after in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert f'href="/messages/1/{step}"' in visitor.see("/messages/1").text
        address = f"/messages/1/{step}"
        assert "Reason" in visitor.see(address).text
        visitor.send(address, {"reason": f"to {step} it"}, seen_at=address)
        assert state_of(practice, number) == after
        again = visitor.see(address)  # it is not offered any more
        assert again.url.path == "/messages/1"
    with practice.record.read() as connection:
        acts = connection.execute(
            sa.select(audit_act.c.operation_type, audit_act.c.operator, audit_act.c.reason)
            .where(audit_act.c.subject == "campaign", audit_act.c.reason != "")
        ).all()  # fmt: skip
    assert [tuple(act) for act in acts][-3:] == [
        ("campaign.pause", "olwen", "to pause it"),
        ("campaign.resume", "olwen", "to resume it"),
        ("campaign.cancel", "olwen", "to cancel it"),
    ]


def test_what_cannot_be_done_any_more_says_so(practice: Practice, visitor: Visitor) -> None:
    """Somebody else was faster: the form comes back with what was typed, and why."""
    number = running(practice)
    visitor.sign_in("olwen")
    token = visitor.token("/messages/1/pause")
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(state=states.COMPLETED))
    answer = visitor.client.post(
        "/messages/1/pause", data={"csrf_token": token, "reason": "wait"}, follow_redirects=False
    )
    assert answer.status_code in (303, 409)
    assert state_of(practice, number) == "completed"


def test_who_is_tied_to_facilities_sees_no_campaign_of_others(
    practice: Practice, visitor: Visitor
) -> None:
    """NEW-38: neither it, its errors nor its files; nor is it paused; each try is on the trail."""
    practice.patients(1)
    with practice.record.write() as connection:
        rows = [{"id": 1, "code": "North", "name": "N"}, {"id": 2, "code": "South", "name": "S"}]
        connection.execute(facility.insert(), rows)
        connection.execute(sa.update(patient).values(facility_id=1))
    set_facilities(practice.record, practice.clock, name="olwen", codes=["south"], by="ada")
    practice.run(practice.everybody(1))
    visitor.sign_in("olwen")
    for path in ("", "/standing", "/errors", "/outcomes.csv", "/pause", "/cancel"):
        answer = visitor.see(f"/messages/1{path}")
        assert answer.status_code == 403, path
        assert nhs(1) not in answer.text
        assert "Hello, your review" not in answer.text
    with practice.record.read() as connection:
        refused = connection.scalars(
            sa.select(audit_act.c.operation_type).where(audit_act.c.operator == "olwen")
        ).all()
    assert len([kind for kind in refused if "refused" in kind]) == 6
    assert visitor.see("/messages").status_code == 200


def test_the_words_of_people_are_no_markup(practice: Practice, visitor: Visitor) -> None:
    """Stored XSS: the list's name, the text, the reason of a refusal."""
    evil = '<img src=x onerror="alert(1)">'
    practice.template(evil, key="plain")
    practice.patients(1)
    practice.patient(2, mobile=None)
    practice.run(practice.everybody(2), list_name=evil)
    visitor.sign_in("olwen")
    for path in ("/messages", "/messages/1", "/messages/1/errors"):
        page = visitor.see(path).text
        assert "<img" not in page
        assert "&lt;img" in page


def test_after_a_set_back_somebody_says_what_was_sent_before_it_goes_on(
    practice: Practice, visitor: Visitor
) -> None:
    """NEW-9: what the record has lost is asked about; unsaid, nothing is sent."""
    number = running(practice)
    now = practice.clock.now()
    with practice.record.write() as connection:
        held = {"state": states.HELD_CAMPAIGN, "state_reason": "database-restored"}
        doubt = {"doubt_since": now - timedelta(hours=2), "doubt_until": now}
        connection.execute(sa.update(campaign).values(**held, **doubt))
    visitor.sign_in("olwen")
    at = f"/messages/{number}/resume"
    assert "What of this was sent that it does not know?" in visitor.see(at).text
    answer = visitor.send(at, {"reason": "restored"}, seen_at=at)
    assert answer.status_code == 409
    assert state_of(practice, number) == "held"
    assert visitor.send(at, {"left": "all"}, seen_at=at).status_code == 400
    visitor.send(at, {"reason": "asked the provider", "left": "nothing"}, seen_at=at)
    assert state_of(practice, number) == "running"


def test_reminders_that_wait_for_their_sources_may_be_let_go(
    practice: Practice, visitor: Visitor
) -> None:
    """NEW-16: where they wait, the page asks why they may leave; of what is no reminder that is refused."""
    number = running(practice)
    with practice.record.write() as connection:
        connection.execute(sa.update(batch).values(trouble="stale_sources: from PAS, 40 hours"))
    visitor.sign_in("olwen")
    assert f'href="/messages/{number}/resume"' in visitor.see(f"/messages/{number}").text
    at = f"/messages/{number}/resume"
    assert "too old" in visitor.see(at).text
    answer = visitor.send(at, {"reason": "x", "stale": "the clinic is closed"}, seen_at=at)
    assert answer.status_code == 409
