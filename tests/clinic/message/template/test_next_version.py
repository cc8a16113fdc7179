"""A new version of a template: what is left out stays, and what cannot change is said."""

from __future__ import annotations

import pytest

from clinic.errors import CohortRefused, MendableError, TemplateRefused
from clinic.message.template.catalogue import NewTemplate, add_template, get_versions
from clinic.message.template.next_version import Typed, next_template
from clinic.record.database import Record
from tests.fakes import FakeClock

RECALL = NewTemplate("asthma", "Asthma recall", "recall", "Please call us.", "Asthma", "recall")
KEPT = {"name": "Asthma recall", "message_type": "recall", "purpose": "recall"}


@pytest.mark.parametrize(
    ("typed", "text", "subject"),
    [
        (Typed(subject="Your review"), "Please call us.", "Your review"),
        (Typed(text="Please ring us."), "Please ring us.", "Asthma"),
        (Typed(text="Please ring us.", subject=""), "Please ring us.", None),
        (Typed(**KEPT), "Please call us.", "Asthma"),
    ],
)
def test_what_is_left_out_stays_as_the_newest_version_has_it(
    record: Record, clock: FakeClock, typed: Typed, text: str, subject: str | None
) -> None:
    """ARC-2: a subject given later takes no text away, and a text no subject."""
    add_template(record, clock, RECALL, by="nia")
    new = next_template(record, "asthma", typed)
    assert (new.body, new.subject) == (text, subject)
    assert (new.name, new.message_type, new.purpose) == tuple(KEPT.values())


@pytest.mark.parametrize("typed", [Typed(name="Other"), Typed("x", message_type="invitation")])
def test_what_a_version_cannot_change_is_said(
    record: Record, clock: FakeClock, typed: Typed
) -> None:
    """ARC-2: it was ignored."""
    add_template(record, clock, RECALL, by="nia")
    with pytest.raises(TemplateRefused, match="template-fixed") as refused:
        next_template(record, "asthma", typed)
    assert "another key" in refused.value.says


def test_a_new_template_needs_a_text(record: Record, clock: FakeClock) -> None:
    """ARC-2: from the command and in the catalogue itself."""
    with pytest.raises(TemplateRefused, match="template-empty"):
        next_template(record, "new", Typed(subject="Hello"))
    with pytest.raises(TemplateRefused, match="template-empty"):
        add_template(record, clock, NewTemplate("new", "New", "notice", " \n"), by="nia")
    new = Typed("Come.", purpose="care")
    assert next_template(record, "new", new).message_type == "invitation"


def test_another_purpose_is_another_version(record: Record, clock: FakeClock) -> None:
    """NEW-40: what a template is for was ignored; what was sent keeps what it was sent for."""
    add_template(record, clock, RECALL, by="nia")
    new = next_template(record, "asthma", Typed(purpose="Feedback"))
    assert (new.body, new.subject, new.purpose) == ("Please call us.", "Asthma", "feedback")
    assert add_template(record, clock, new, by="nia") == 2
    assert add_template(record, clock, new, by="nia") == 2
    assert [one.purpose for one in get_versions(record, "asthma")] == ["feedback", "recall"]
    with pytest.raises(CohortRefused, match="purpose-unknown"):
        next_template(record, "asthma", Typed(purpose="any"))


def test_a_new_template_names_its_purpose(record: Record, clock: FakeClock) -> None:
    """NEW-40: of the closed list."""
    for typed in (Typed("Come."), Typed("Come.", purpose="newsletter")):
        with pytest.raises(MendableError, match="purpose-"):
            next_template(record, "new", typed)
    odd = NewTemplate("new", "New", "notice", "Come.", purpose="newsletter")
    with pytest.raises(CohortRefused, match="purpose-unknown"):
        add_template(record, clock, odd, by="nia")
