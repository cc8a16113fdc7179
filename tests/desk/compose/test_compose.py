"""Create new bulk message, page by page, without scripts."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.message.drafts.uploads import plain_name
from clinic.record.schema.govern import access_log
from clinic.record.schema.messages import campaign
from tasks.wiring import Wiring
from tests.desk.compose.composing import TEXT, Composer
from tests.main_job import Practice, nhs


@pytest.fixture
def composer(parts: Wiring, practice: Practice) -> Composer:
    """An operator; the practice has five patients, and has no gateway: messages go to the outbox."""
    practice.patients(5)
    return Composer(parts)


def test_a_list_becomes_a_sent_message(composer: Composer) -> None:
    """PAT-6, 7, 10, 14, ACX-24 to 28, 31: list, text, when, checked, reviewed, sent."""
    composer.begin()
    answer = composer.list_of(1, 2, 3)
    assert answer.url.path == f"{composer.at}/text"
    answer = composer.send("text", TEXT)
    assert answer.url.path == f"{composer.at}/when"
    answer = composer.send("when", {"timing": "now"})
    assert answer.url.path == f"{composer.at}/review"
    assert "Checking the list" in answer.text
    assert "Refresh" in answer.text
    composer.help()
    review = composer.see("review").text
    assert "Send 3 messages" in review
    assert "Flu clinic on Friday." in review
    assert "Leave out deceased patients" in review, "PAT-28"
    assert composer.campaigns() == [(1, "checking")]
    assert composer.say_yes().url.path == f"{composer.at}/review"
    composer.help()
    assert composer.started == [1]
    assert composer.campaigns() == [(1, "running")]
    sent = composer.see("review").text
    assert "/messages/1" in sent
    assert "No server answers." in sent
    assert composer.see().url.path == f"{composer.at}/review", "it cannot be changed any more"


def test_who_is_not_accepted_is_said_and_downloaded_at_review_and_at_the_end(
    composer: Composer, practice: Practice
) -> None:
    """ACX-25 to 27: counts with reasons, and the list as CSV; each look is in the access log."""
    practice.patient(6, mobile=None)
    composer.ready(1, 2, 6, 150)
    review = composer.see("review").text
    assert "Send 2 messages" in review
    assert "Not accepted" in review
    for _ in range(2):
        answer = composer.see("not-accepted.csv")
        assert answer.headers["content-disposition"].startswith("attachment")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert {row["NHS Number"] for row in rows} == {nhs(6), nhs(150)}
        composer.say_yes()
        composer.help()
    assert "not-accepted.csv" in composer.see("review").text
    with practice.record.read() as connection:
        pages = set(connection.scalars(sa.select(access_log.c.command)))
    assert {"desk draft review", "desk draft not accepted"} <= pages


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"list_name": "", "source": "group"}, "Enter a name"),
        ({"list_name": "Flu"}, "Choose where the patients come from"),
        ({"list_name": "Flu", "source": "file"}, "Choose the file"),
        ({"list_name": "Flu", "source": "group"}, "Choose a group"),
        ({"list_name": "Flu", "source": "group", "group": "none"}, "none"),
        ({"list_name": "Flu", "source": "list", "list_id": "99"}, "There is no list 99"),
        ({"list_name": "Flu", "source": "filter"}, "Choose at least one filter"),
        ({"list_name": "Flu", "source": "filter", "registered_from": "soon"}, "31/03/2026"),
        ({"list_name": "Flu", "source": "ids", "ids": ", ;"}, "holds no ids"),
        ({"list_name": "Flu", "source": "/etc/passwd"}, "Choose where the patients come from"),
    ],
)
def test_what_is_wrong_with_the_choice_of_patients_stands_at_its_field(
    composer: Composer, form: dict[str, Any], says: str
) -> None:
    """PAT-6, WCAG 3.3.1: a name is required; nothing is kept of what is refused."""
    answer = composer.begin().send("list", form)
    assert answer.status_code == 422
    assert says in answer.text
    assert "There is a problem" in answer.text
    assert composer.row().asked == Composer(composer.parts).begin().row().asked


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"body": ""}, "Write the message"),
        ({"body": "Hello {{ patient.nhs_number }}"}, "nhs_number"),
        ({"body": "{% for x in y %}"}, "Line 1"),
        ({"body": "x" * 2_000}, "that may be sent: shorten it"),
        ({"purpose": ""}, "Choose what the message is for"),
        ({"channel": "email"}, "Write the subject"),
        ({"channel": "fax"}, "Choose how it is sent"),
        ({"what": "template"}, "Choose a template"),
        ({"what": "template", "template": "nothing"}, "no such template"),
    ],
)
def test_what_is_wrong_with_the_text_stands_at_its_field(
    composer: Composer, values: dict[str, str], says: str
) -> None:
    """PAT-10, 12, ACX-9."""
    answer = composer.begin().send("text", {**TEXT, **values})
    assert answer.status_code == 422
    assert says in answer.text
    if "body" in values:
        assert values["body"][:40].replace("<", "&lt;") in answer.text, "what was typed stays"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x" * 160, "1 text message"),
        ("x" * 161, "2 text messages"),
        ("Annwyl Siân â", "hold 70 characters"),
        ("ŵ" * 71, "2 text messages"),
        ("Dear {{ patient.nothing }}", "patient.nothing"),
    ],
)
def test_segments_are_counted_by_a_button_and_as_one_types(
    composer: Composer, text: str, says: str
) -> None:
    """PAT-13: by a button, or as one types. Nothing is saved."""
    composer.begin()
    assert says in composer.send("text", {**TEXT, "body": text, "do": "count"}).text
    part = composer.visitor.send("/count", {"body": text}, seen_at="/messages/new")
    assert says in part.text
    assert "<html" not in part.text
    assert text not in composer.row().asked


def test_a_template_is_searched_and_chosen(composer: Composer, practice: Practice) -> None:
    """PAT-11, ACX-9."""
    practice.template("Reviews are due.", key="asthma")
    composer.begin().list_of(1)
    found = composer.send("text", {"channel": "sms", "q": "asthma", "then": "search"}).text
    assert "1 template found" in found
    part = composer.send("template", {"template": "asthma"}).text
    assert "Reviews are due." in part
    assert "1 text message" in part
    composer.send("text", {"what": "template", "channel": "sms", "template": "asthma"})
    composer.send("when", {"timing": "now"})
    composer.help()
    assert "Reviews are due." in composer.see("review").text


def test_a_code_is_found_by_a_word_chosen_and_taken_off(composer: Composer) -> None:
    """PAT-15, ACX-3; a code that is none is told at its field."""
    composer.begin()
    found = composer.visitor.see(f"{composer.at}/code?q=influenza").text
    assert "86198006" in found
    assert "171149006" not in found
    composer.send("code", {"code": "86198006"})
    assert "86198006" in composer.row().asked
    assert "check digit" in composer.send("code", {"code": "86198007"}).text
    composer.send("code", {"remove": "86198006"})
    assert "86198006" not in composer.row().asked


def test_saving_to_the_record_is_chosen(composer: Composer, practice: Practice) -> None:
    """PAT-16: the tick is a choice of its own; the code goes with it."""
    composer.begin().list_of(1)
    composer.send("code", {"code": "86198006"})
    composer.send("text", {**TEXT, "save_to_record": "yes"})
    composer.send("when", {"timing": "now"})
    composer.help()
    query = sa.select(campaign.c.save_to_record, campaign.c.snomed_codes)
    with practice.record.read() as connection:
        assert connection.execute(query).one() == (True, "86198006")
    composer.send("text", TEXT)
    composer.send("check", {})
    composer.help()
    with practice.record.read() as connection:
        assert connection.execute(query.order_by(campaign.c.id.desc())).first() == (
            False,
            "86198006",
        )


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "Choose when"),
        ({"timing": "later", "start_at": "tomorrow"}, "05/12/2026 09:00"),
        ({"timing": "later", "start_at": "01/01/2020 09:00"}, "in the past"),
        ({"timing": "stagger", "days": "0"}, "Enter the number of days"),
        ({"timing": "stagger", "days": "400"}, "Enter the number of days"),
    ],
)
def test_what_is_wrong_with_the_time_stands_at_its_field(
    composer: Composer, values: dict[str, str], says: str
) -> None:
    """PAT-14, ACX-29."""
    answer = composer.begin().send("when", values)
    assert answer.status_code == 422
    assert says in answer.text


def test_a_message_for_later_says_when_it_leaves(composer: Composer) -> None:
    """PAT-14: scheduled, and told so."""
    composer.begin().list_of(1)
    composer.send("text", {**TEXT, "body": "Your review is due."})
    composer.send("when", {"timing": "later", "start_at": "03/03/2026 11:30"})
    composer.help()
    assert "3 Mar 2026, 11:30" in composer.see("review").text
    composer.say_yes()
    composer.help()
    assert composer.campaigns() == [(1, "scheduled")]
    sent = composer.see("review").text
    assert "Message scheduled" in sent
    assert "The first message leaves at 3 Mar 2026, 11:30" in sent


def test_days_tell_how_many_patients_a_day(composer: Composer) -> None:
    """ACX-30: recomputed when the number changes, by a button or as one types; and at the review."""
    composer.begin().list_of(1, 2, 3, 4, 5)
    composer.help()
    assert "<strong>3</strong> patients a day" in composer.send("days", {"days": "2"}).text
    page = composer.send("when", {"timing": "stagger", "days": "5", "then": "days"}).text
    assert "<strong>1</strong> patients a day" in page
    composer.send("text", TEXT)
    composer.send("when", {"timing": "stagger", "days": "2"})
    composer.help()
    assert "About 3" in composer.see("review").text


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"Name\nA\n", "flu.csv", "flu.csv"),
        (b"NHS Number,A\n1,2,3,4\n", "flu.csv", "row"),
        (b"", "flu.csv", "is empty"),
        (b"%PDF-1.4 nothing", "letter.pdf", "letter.pdf"),
    ],
)
def test_a_file_that_cannot_be_read_says_which_and_what_to_do(
    composer: Composer, content: bytes, name: str, says: str
) -> None:
    """ACX-24: at once, before anything else is chosen; nothing of it stays when another is chosen."""
    answer = composer.begin().upload(content, name)
    composer.help()
    assert says in answer.text or says in composer.see().text
    composer.list_of(1)
    composer.help()
    assert composer.row().rows == 1
    assert not composer.row().problem


def test_a_row_is_previewed(composer: Composer) -> None:
    """ACX-31: any row, by its number in the list; one without a message says why."""
    composer.ready(1, 2, body="Dear {{ patient.given_name }}, come in.")
    page = composer.visitor.see(f"{composer.at}/review?row=3").text
    assert "Dear Given2, come in." in page
    for row, says in (("99", "row 99 gets no message"), ("x", "Enter the number of a row")):
        assert says.lower() in composer.visitor.see(f"{composer.at}/review?row={row}").text.lower()


@pytest.mark.parametrize(
    ("choice", "messages"),
    [
        ({"source": "ids", "ids": f"{nhs(1)}, {nhs(2)}"}, 2),
        ({"source": "filter", "status": "active"}, 5),
    ],
)
def test_patients_come_from_elsewhere_too(
    composer: Composer, choice: dict[str, str], messages: int
) -> None:
    """Pasted numbers and filters; what is pasted stands in the record alone."""
    composer.begin().send("list", {"list_name": "Flu", **choice})
    assert nhs(1) not in str(composer.row())
    composer.send("text", TEXT)
    composer.send("when", {"timing": "now"})
    composer.help()
    assert f"Send {messages} message" in composer.see("review").text


def test_a_list_that_is_imported_keeps_its_name(composer: Composer) -> None:
    """PAT-6: the name on the page is the name on the message; another one takes the numbers again."""
    composer.begin().send("list", {"list_name": "Flu", "source": "ids", "ids": nhs(1)})
    answer = composer.send("list", {"list_name": "Asthma", "source": "ids"})
    assert answer.status_code == 422
    assert "It is imported as Flu" in answer.text
    number = composer.row().list_id
    composer.send("list", {"list_name": "Asthma", "source": "list", "list_id": str(number)})
    assert '"list_name":"Flu"' in composer.row().asked


def test_a_dry_run_sends_nothing(composer: Composer, practice: Practice) -> None:
    """NEW-13."""
    composer.begin().list_of(1)
    composer.send("text", TEXT)
    composer.send("when", {"timing": "now", "dry_run": "yes"})
    composer.help()
    assert "Do the dry run" in composer.see("review").text
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(campaign.c.dry_run)) is True


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("flu.csv", "flu.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\lists\\flu 2026.xlsx", "flu 2026.xlsx"),
        (".hidden", "hidden"),
        ("a\x00b\n.csv", "ab.csv"),
        ("", "list.csv"),
        ("..", "list.csv"),
        ("x" * 400 + ".csv", "x" * 117 + ".csv"),
    ],
)
def test_a_file_is_kept_by_a_name_that_is_no_way_elsewhere(given: str, kept: str) -> None:
    """ASVS 5.3.2."""
    assert plain_name(given) == kept
    assert Path(plain_name(given)).name == kept
