"""NEW-40: who objected to a purpose is not messaged for it, whatever the template; marketing needs a yes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.message.prepare.content import findings_of
from clinic.message.template.catalogue import NewTemplate, add_own_text, add_template
from clinic.practice.objection import Told, What, note_decision
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import consent
from clinic.values.purposes import PURPOSES
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.main_job import Practice, nhs

SOLD = "Travel vaccines: 10% off. To stop these messages call us. The Practice"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(4)
    return made


def tell(
    practice: Practice, n: int, purpose: str, what: What = "objects", *, channel: str = "any",
    days_ago: int = 0,
) -> bool:  # fmt: skip
    told = Told(what, purpose, channel, practice.clock.now() - timedelta(days=days_ago))
    return note_decision(practice.record, practice.clock, n, told, by="nia")


def outcomes(practice: Practice, template: str, channel: str = "sms", key: str = "k") -> list[str]:
    number = practice.begin(
        practice.everybody(4, name=f"{key}.csv"),
        template=template,
        channel=channel,
        request_key=key,
    )
    practice.check(number)
    return [one.split(" (")[0] for one in practice.outcomes(number).values()]


@pytest.mark.parametrize("purpose", [one for one in PURPOSES if one != "marketing"])
def test_who_objected_is_left_out_of_each_template_and_text_of_that_purpose(
    practice: Practice, purpose: str
) -> None:
    """Typing the same words as free text evades nothing; another purpose is another matter."""
    tell(practice, 1, purpose)
    tell(practice, 2, purpose, channel="email")
    tell(practice, 3, "any", channel="sms")
    body = "Please tell us what you think. The Practice"
    for key in ("first", "second"):
        new = NewTemplate(key, key, "review", f"{key}: {body}", purpose=purpose)
        add_template(practice.record, practice.clock, new, by="nia")
    own = add_own_text(practice.record, practice.clock, body, by="nia", purpose=purpose)
    left_out = ["opted_out", "accepted", "opted_out", "accepted"]
    for template in ("first", "second", own):
        assert outcomes(practice, template, key=template) == left_out
    other = "administration" if purpose != "administration" else "care"
    free = add_own_text(practice.record, practice.clock, body, by="nia", purpose=other)
    assert outcomes(practice, free, key="free") == ["accepted", "accepted", "opted_out", "accepted"]


def test_the_latest_word_counts_whenever_it_is_typed(practice: Practice) -> None:
    """As of consent codes: what was said on Monday and typed on Friday does not undo Wednesday's."""
    assert tell(practice, 1, "feedback", days_ago=5)
    assert tell(practice, 1, "feedback", "lifts", days_ago=3)
    assert not tell(practice, 1, "feedback", days_ago=4)
    assert tell(practice, 2, "feedback")
    own = add_own_text(practice.record, practice.clock, "Hello", by="nia", purpose="feedback")
    assert outcomes(practice, own) == ["accepted", "opted_out", "accepted", "accepted"]


def test_an_objection_says_who_took_it_and_when_and_the_trail_does_not_say_whose(
    practice: Practice,
) -> None:
    tell(practice, 1, "feedback", channel="sms", days_ago=1)
    with practice.record.read() as connection:
        row = connection.execute(sa.select(consent)).one()
        trail = connection.execute(sa.text("SELECT * FROM audit_act")).mappings().all()
    assert (row.taken_by, row.source, row.channel) == ("nia", "telephone", "sms")
    assert row.decided_at == practice.clock.now() - timedelta(days=1)
    acts = [act for act in trail if act["operation_type"] == "objection.noted"]
    assert [act["subject_id"] for act in acts] == [row.id]
    assert all(act["new_values"] is None for act in acts)


@pytest.mark.parametrize(
    ("what", "purpose", "days_ago", "code"),
    [
        ("objects", "feedback", -1, "objection-day"),
        ("lifts", "feedback", 0, "objection-none"),
        ("lifts", "marketing", 0, "objection-consent"),
        ("consents", "any", 0, "objection-consent"),
    ],
)
def test_what_cannot_have_been_said_is_refused(
    practice: Practice, what: What, purpose: str, days_ago: int, code: str
) -> None:
    with pytest.raises(Exception, match=code):
        tell(practice, 1, purpose, what, days_ago=days_ago)
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(consent)) == 0


def test_marketing_goes_to_who_consented_to_it_alone(practice: Practice) -> None:
    """A consent code for texts is no yes to being sold to; STOP ends a yes, and no general yes revives it."""
    tell(practice, 1, "marketing", "consents", channel="sms", days_ago=9)
    practice.decides(2, "opt_in", days_ago=1)
    tell(practice, 3, "marketing", "consents", days_ago=9)
    practice.decides(3, "opt_out", days_ago=8)
    practice.decides(3, "opt_in", days_ago=7)
    own = add_own_text(practice.record, practice.clock, SOLD, by="nia", purpose="marketing")
    expected = ["accepted", "no_consent", "no_consent", "no_consent"]
    assert outcomes(practice, own) == expected
    mail = add_own_text(
        practice.record, practice.clock, SOLD, by="nia", purpose="marketing", subject="Offer"
    )
    expected = ["no_consent", "no_consent", "accepted", "no_consent"]
    assert outcomes(practice, mail, "email", "mail") == expected


def test_who_says_no_after_the_check_is_not_sold_to(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-5: asked again in the transaction that writes the intent; silence there too is no yes."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, purpose="marketing")
    ledger = make_ledger(record, clock, tmp_path)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    for n, what in ((1, "consents"), (2, "consents"), (2, "objects")):
        clock.sleep(1)
        told = Told(what, "marketing", "sms", clock.now())  # type: ignore[arg-type]
        note_decision(record, clock, n, told, by="nia")
    with record.write() as connection:
        ledger.leave_out(connection, claim, clock.now())
        found = connection.execute(
            sa.select(message.c.state, message.c.reason).order_by(message.c.patient_id)
        ).all()
    assert [tuple(row) for row in found] == [
        ("pending", None), ("suppressed", "opted_out"), ("suppressed", "no_consent"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "purpose", "codes"),
    [
        (SOLD, "care", {"content_marketing"}),
        (SOLD, "marketing", set()),
        ("Travel vaccines: 10% off. The Practice", "marketing", {"content_unstopped"}),
        ("Your review is due. The Practice", "recall", set()),
    ],
)
def test_what_is_sold_for_another_purpose_is_asked_about_and_marketing_says_how_to_stop(
    practice: Practice, text: str, purpose: str, codes: set[str]
) -> None:
    for n in range(1, 5):
        tell(practice, n, "marketing", "consents")
    own = add_own_text(practice.record, practice.clock, text, by="nia", purpose=purpose)
    number = practice.begin(practice.everybody(4), template=own)
    practice.check(number)
    practice.stage(number)
    with practice.record.read() as connection:
        found = findings_of(connection, number)
    assert {one.code for one in found} == codes
    assert all(one.to_accept for one in found)


def test_a_purpose_that_is_none_is_refused(practice: Practice) -> None:
    with pytest.raises(CohortRefused, match="purpose-unknown"):
        add_own_text(practice.record, practice.clock, "Hello", by="nia", purpose="newsletter")


def test_rows_of_another_organisation_are_refused_one_by_one(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """One controller, one installation: also where the NHS number is one of ours."""
    practice = Practice(record, clock, tmp_path, codes=("W97000",))
    practice.patients(4)
    rows = [f"{nhs(n)},{code}" for n, code in enumerate(("W97000", "X1", " w97000", ""), start=1)]
    path = practice.file(*rows, heading="NHS Number,Organisation Code")
    number = practice.begin(path)
    practice.check(number)
    found = [one.split(" (")[0] for one in practice.outcomes(number).values()]
    assert found == ["accepted", "other_organisation", "accepted", "accepted"]
