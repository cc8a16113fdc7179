"""A campaign is begun as it was asked for, once, and is what the request says."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from clinic.errors import (
    CohortRefused,
    ListRefused,
    MendableError,
    NotAllowed,
    NotFound,
    TemplateRefused,
)
from clinic.message import states
from clinic.message.campaign.begin import usual_name
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.lists import cohort_list, list_row, template_version
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import group_member, patient_group
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.main_job import Practice

FLU = "699237001"  # SNOMED CT: a right check digit


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    return practice


def row(practice: Practice, number: int) -> sa.Row[tuple[object, ...]]:
    with practice.record.read() as connection:
        return get_campaign(connection, number)


def test_a_campaign_holds_what_was_asked_for(practice: Practice) -> None:
    """ARC-2, ARC-5, ACX-3, PAT-12, PAT-15: one type and template, a channel, SNOMED codes to save."""
    number = practice.begin(
        practice.everybody(3), channel="email", snomed_codes=[FLU], requested_by="mia"
    )
    found = row(practice, number)
    assert (found.channel, found.snomed_codes, found.requested_by) == ("email", FLU, "mia")
    assert (found.state, found.rows, found.list_name) == (states.CHECKING, 3, "Reviews")
    assert (found.save_to_record, found.save_when, found.dry_run) == (True, "sent", False)


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (timedelta(minutes=-2), "start-past"),
        (timedelta(days=-400), "start-past"),
        (timedelta(days=366, hours=1), "start-too-far"),
        (timedelta(days=36 * 365), "start-too-far"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused_before_anything_is_kept(
    practice: Practice, ahead: timedelta, code: str
) -> None:
    """PAT-14: in the past, or a slip in the year."""
    with pytest.raises(CohortRefused, match=code):
        practice.begin(practice.everybody(3), start_at=practice.clock.now() + ahead)
    assert (practice.count(cohort_list), practice.count(campaign)) == (0, 0)


def test_the_same_request_again_is_not_refused_because_its_start_has_come(
    practice: Practice, clock: FakeClock
) -> None:
    """PAT-14: a run that is tried again, or carried on with, finds its campaign."""
    path, start = practice.everybody(3), clock.now() + timedelta(hours=2)
    number = practice.begin(path, start_at=start, request_key="one")
    clock.sleep(3 * 3600)
    assert practice.begin(path, start_at=start, request_key="one") == number


@pytest.mark.parametrize("typed", ["05/12/2026 09:00", "2026-12-05 09:00", "5 Dec 2026 09:00"])
def test_a_start_is_read_as_people_type_it_wherever_it_is_typed(typed: str) -> None:
    """PAT-14: in Prefect's form as on the command line."""
    request = MessageRequest(
        list_name="A", cohort=CohortChoice(group="g"), template="t", start_at=typed
    )  # type: ignore[arg-type]
    assert request.start_at == datetime(2026, 12, 5, 9)  # noqa: DTZ001


def test_a_wrong_snomed_code_is_refused_before_anything_is_kept(practice: Practice) -> None:
    """PAT-15: the check digit is Verhoeff's."""
    with pytest.raises(MendableError, match="snomed"):
        practice.begin(practice.everybody(3), snomed_codes=[FLU[:-1] + "2"])
    assert practice.count(cohort_list) == 0


@pytest.mark.parametrize(
    ("profile", "asked", "expected"),
    [
        ("sent", "as set", "sent"),
        ("delivered", "as set", "delivered"),
        ("sent", "delivered", "delivered"),
        ("delivered", "sent", "sent"),
    ],
)
def test_when_it_is_saved_is_the_profiles_unless_asked_otherwise(
    practice: Practice, profile: str, asked: str, expected: str
) -> None:
    """PAT-17, and the ruling on write-back."""
    own = practice.settings.organisation.model_copy(update={"save_when": profile})
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    number = practice.begin(practice.everybody(3), save_when=asked)
    assert row(practice, number).save_when == expected


def test_who_asked_is_the_operator_of_the_settings_unless_named(practice: Practice) -> None:
    assert row(practice, practice.begin(practice.everybody(3))).requested_by == "nia"


@pytest.mark.parametrize(
    ("channels", "channel", "allowed"),
    [
        (("sms",), "sms", True),
        (("sms",), "email", False),
        (("email",), "sms", False),
        ((), "sms", False),
        (("sms", "email"), "email", True),
    ],
)
def test_a_channel_is_used_only_where_the_organisation_has_it(
    practice: Practice, channels: tuple[str, ...], channel: str, allowed: bool
) -> None:
    """PAT-1, ACX-1, ACX-7: switched on per organisation, SMS only if it so chooses."""
    own = practice.settings.organisation.model_copy(update={"channels": channels})
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    if allowed:
        assert practice.begin(practice.everybody(3), channel=channel) == 1
        return
    with pytest.raises(NotAllowed, match="channel-off"):
        practice.begin(practice.everybody(3), channel=channel)
    assert practice.count(list_row) == 0


# --- from where ------------------------------------------------------------------------------------


def test_a_group_a_filter_and_a_list_taken_in_before_are_cohorts_too(practice: Practice) -> None:
    """COM-11, ARC-3, ARC-4: exactly those selected."""
    with practice.record.write() as connection:
        connection.execute(sa.insert(patient_group).values(id=1, code="g", name="G"))
        connection.execute(
            sa.insert(group_member), [{"group_id": 1, "patient_id": n} for n in (1, 2)]
        )
    by_group = practice.begin({"group": "g"}, request_key="1")
    by_filter = practice.begin({"status": "active"}, request_key="2")
    again = practice.begin({"list_id": 1}, request_key="3", again=True)
    assert [row(practice, n).rows for n in (by_group, by_filter, again)] == [2, 3, 2]
    assert practice.count(cohort_list) == 2


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"file": "a.csv", "group": "g"},
        {"list_id": 1, "status": "active"},
        {"file": "a.csv", "list_id": 1},
        {"file": "a.csv", "source": "warehouse", "query": "flu-due"},
    ],
)
def test_a_cohort_is_named_in_exactly_one_way(choice: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        CohortChoice(**choice)  # type: ignore[arg-type]


def test_the_parts_of_a_filter_go_together() -> None:
    choice = CohortChoice(status="active", registered_from=date(2026, 1, 1))
    assert choice.filter() is not None


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"group": "flu-65"}, "Group flu-65"),
        ({"status": "active", "facility": "F1"}, "Filter active, F1"),
        ({"corrects": 7}, "Correction of campaign 7"),
        ({"source": "warehouse", "query": "flu-due"}, "Query flu-due of warehouse"),
        ({"file": "a.csv"}, ""),
    ],
)
def test_what_the_record_makes_is_called_after_whom_it_holds(
    choice: dict[str, object], name: str
) -> None:
    """PAT-6, NEW-39: nobody types a name at Prefect's form; a file is named by a person."""
    assert usual_name(CohortChoice(**choice)) == name  # type: ignore[arg-type]


def test_a_blank_list_name_is_refused(practice: Practice) -> None:
    """PAT-6."""
    with pytest.raises(ListRefused, match="list-name-missing"):
        practice.begin(practice.everybody(3), list_name="  ")


@pytest.mark.parametrize(
    ("cohort", "changes", "code"),
    [
        ({"group": "none"}, {}, "group-unknown"),
        ({"list_id": 99}, {}, "list-unknown"),
        ({"status": "active"}, {"template": "none"}, "template-unknown"),
        ({"status": "active"}, {"template_version": 9}, "template-unknown"),
        ({"facility": "none"}, {}, "facility-unknown"),
    ],
)
def test_what_is_not_there_is_named(
    practice: Practice, cohort: dict[str, object], changes: dict[str, object], code: str
) -> None:
    with pytest.raises(NotFound, match=code):
        practice.begin(cohort, **changes)


def test_a_list_that_was_not_taken_in_to_its_end_is_not_used(practice: Practice) -> None:
    """Half a list messaged would be half the patients lost."""
    practice.begin(practice.everybody(3))
    with practice.record.write() as connection:
        connection.execute(sa.update(cohort_list).values(rows=None))
    with pytest.raises(ListRefused, match="list-not-whole"):
        practice.begin({"list_id": 1}, request_key="other", again=True)


# --- once ------------------------------------------------------------------------------------------


def test_the_same_request_is_the_same_campaign(practice: Practice) -> None:
    path = practice.everybody(3)
    assert practice.begin(path) == practice.begin(path)
    assert practice.count(campaign) == 1


@pytest.mark.parametrize("change", [{"channel": "email"}, {"dry_run": True}, {"template": "two"}])
def test_a_request_key_cannot_be_used_for_something_else(
    practice: Practice, change: dict[str, object]
) -> None:
    practice.template("Another text.", key="two")
    practice.begin(practice.everybody(3))
    with pytest.raises(CohortRefused, match="request-changed"):
        practice.begin(practice.everybody(3), **change)


def test_the_same_list_with_the_same_template_is_refused_and_the_first_campaign_named(
    practice: Practice,
) -> None:
    """The refusal says which, when, and how to ask for it."""
    first = practice.begin(practice.everybody(3))
    practice.check(first)
    practice.send(first, practice.stage(first))
    with pytest.raises(CohortRefused, match="sent-before") as refusal:
        practice.begin(practice.everybody(3), request_key="other")
    assert "campaign 1 of 02 Mar 2026 10:00 UTC" in refusal.value.says
    assert "--again" in refusal.value.says
    assert "cohort show 1" in refusal.value.says


@pytest.mark.parametrize(
    ("state", "way"),
    [
        (states.CHECKING, "cohort message --resume 1"),
        (states.AWAITING_APPROVAL, "cohort message --resume 1"),
        (states.SCHEDULED, "cohort show 1"),
        (states.PAUSED, "cohort resume 1"),
        (states.MISSED, "cohort resume 1"),
    ],
)
def test_of_what_has_sent_nothing_nobody_is_told_that_it_was_sent(
    practice: Practice, state: str, way: str
) -> None:
    """It may send it yet: the refusal says in which state it is, and how it goes on."""
    practice.begin(practice.everybody(3))
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(state=state))
    with pytest.raises(CohortRefused, match="same-list-open") as refusal:
        practice.begin(practice.everybody(3), request_key="other")
    assert way in refusal.value.says
    assert ("cohort cancel 1" in refusal.value.says) == (state != states.MISSED)


def test_what_ended_without_a_message_that_left_stands_in_nobodys_way(practice: Practice) -> None:
    """Every try of it was refused or proven not to have been sent."""
    practice.begin(practice.everybody(3))
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(state=states.COMPLETED))
    assert practice.begin(practice.everybody(3), request_key="other") == 2


@pytest.mark.parametrize(
    ("role", "named", "above", "code"),
    [
        ("admin", True, 0, "right-missing"),
        ("auditor", True, None, "right-missing"),
        ("admin", False, 0, "request-not-allowed"),
        (None, True, 0, "request-not-allowed"),
        ("operator", True, 0, None),
        (None, True, None, None),
        (None, True, 2, None),
    ],
)
def test_who_may_not_ask_is_told_so_before_a_campaign_is_made(
    practice: Practice, role: str | None, named: bool, above: int | None, code: str | None
) -> None:
    """NEW-1, NEW-38: no list is imported, and no campaign bars the way of who may."""
    release = practice.settings.release.model_copy(update={"approval_above": above})
    practice.settings = practice.settings.model_copy(update={"release": release})
    if role:
        person = {"name": "nia", "role": role, "secret_hash": "-", "created_by": "root"}
        with practice.record.write() as connection:
            connection.execute(
                sa.insert(operator).values(person | {"created_at": practice.clock.now()})
            )
    asked = {"requested_by": "nia"} if named else {}
    if code is None:
        assert practice.begin(practice.everybody(3), **asked) == 1
        return
    with pytest.raises(NotAllowed, match=code):
        practice.begin(practice.everybody(3), **asked)
    assert (practice.count(campaign), practice.count(cohort_list)) == (0, 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"again": True}, "it was asked for"),
        ({"channel": "email"}, "another way"),
        ({"dry_run": True}, "a dry run reaches nobody"),
        ({"template": "two"}, "another text"),
    ],
)
def test_what_is_not_the_same_may_be_sent(
    practice: Practice, change: dict[str, object], why: str
) -> None:
    practice.template("Another text.", key="two")
    practice.begin(practice.everybody(3))
    assert practice.begin(practice.everybody(3), request_key="other", **change) == 2, why


def test_a_new_version_of_a_template_is_another_text(practice: Practice) -> None:
    practice.begin(practice.everybody(3))
    practice.template("Hello again, your review is due.")
    assert practice.begin(practice.everybody(3), request_key="other") == 2
    with pytest.raises(CohortRefused, match="campaign 1 of"):
        practice.begin(practice.everybody(3), request_key="third", template_version=1)


def test_a_rehearsal_does_not_stand_in_the_way_of_the_campaign(practice: Practice) -> None:
    practice.begin(practice.everybody(3), request_key="rehearsal", dry_run=True)
    assert practice.begin(practice.everybody(3)) == 2


@pytest.mark.parametrize("same_key", [True, False])
def test_of_many_at_once_exactly_one_makes_the_campaign(practice: Practice, same_key: bool) -> None:
    """With one key all get the same campaign; with keys of their own all but one are refused, tidily."""
    path = practice.everybody(3)
    together = threading.Barrier(4)
    made: list[int] = []
    refused: list[Exception] = []

    def run(n: int) -> None:
        together.wait()
        try:
            made.append(practice.begin(path, request_key="one" if same_key else f"key {n}"))
        except Exception as error:
            refused.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert practice.count(campaign) == 1
    # Not always number 1: on PostgreSQL a try that came second has taken a number too
    assert len(set(made)) == 1
    assert len(made) == (4 if same_key else 1)
    assert [getattr(error, "code", repr(error)) for error in refused] == (
        [] if same_key else ["same-list-open"] * 3
    )


def test_a_batch_is_never_larger_than_a_thousand_or_what_the_gateway_takes(
    practice: Practice,
) -> None:
    """ARC-14: at most 1,000 messages a batch, by setting or by gateway."""
    with pytest.raises(ValidationError):
        Settings(batch_size=1001)
    practice.gateway.batch_limit = 2
    assert row(practice, practice.begin(practice.everybody(3))).batch_size == 2


@pytest.mark.parametrize("set_by", ["request", "organisation"])
def test_an_email_that_would_never_be_on_the_record_is_refused(
    practice: Practice, set_by: str
) -> None:
    """PAT-17: nobody tells of an e-mail's delivery, unless the settings say that somebody does."""
    organisation = practice.settings.organisation.model_copy(update={"save_when": "delivered"})
    if set_by == "organisation":
        practice.settings = practice.settings.model_copy(update={"organisation": organisation})
    how = {"save_when": "delivered"} if set_by == "request" else {}
    with pytest.raises(NotAllowed, match="email-never-delivered"):
        practice.begin(practice.everybody(3), channel="email", **how)
    assert (
        row(practice, practice.begin(practice.everybody(3), channel="sms", **how)).save_when
        == "delivered"
    )
    told = practice.settings.receipts.model_copy(update={"channels": ("sms", "email")})
    practice.settings = practice.settings.model_copy(update={"receipts": told})
    made = practice.begin(practice.everybody(3), channel="email", request_key="told", **how)
    assert row(practice, made).channel == "email"


@pytest.mark.parametrize("subject", [None, "  "])
def test_an_email_without_a_subject_is_refused_before_anything_starts(
    practice: Practice, subject: str | None
) -> None:
    """NEW-2: one refusal, not one a row."""
    with practice.record.write() as connection:
        connection.execute(sa.update(template_version).values(subject=subject))
    with pytest.raises(TemplateRefused, match="template-subject"):
        practice.begin(practice.everybody(3), channel="email")
    practice.begin(practice.everybody(3), channel="sms")
