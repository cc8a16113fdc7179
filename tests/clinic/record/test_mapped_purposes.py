"""NEW-40: purposes of before there was the list are mapped, of templates and of decisions, and it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message.purposes_in_use import what_was_mapped
from clinic.message.template.catalogue import add_template, get_versions, seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.record.migrate import drop_everything, migrate
from clinic.record.schema.lists import template, template_purpose, template_version
from clinic.record.schema.people import consent

BEFORE = "0094"
AT = datetime(2026, 3, 2, tzinfo=UTC)
KINDS = [
    ("news", "newsletter", "newsletter"), ("flu-invite", "any", "invitation"), ("jab", "any", "recall"),
    ("odd", "xyzzy", "survey"), ("own-1", "any", "own text"), ("notice-1", "staff notice", "own text"),
]  # fmt: skip


@pytest.fixture
def old(record: Record) -> Record:
    """As it was: free text, also of patients' decisions."""
    drop_everything(record)
    migrate(record, BEFORE)
    with record.write() as connection:
        connection.execute(sa.text("INSERT INTO patient (id, nhs_number) VALUES (1, '9990000018')"))
        for number, (key, purpose, kind) in enumerate(KINDS, start=1):
            connection.execute(
                sa.insert(template).values(
                    id=number, key=key, name=key, message_type=kind, purpose=purpose
                )
            )
            connection.execute(
                sa.insert(template_version).values(
                    id=number, template_id=number, version=1, body="Hello", variables="[]",
                    sha256="0" * 64, created_at=AT, created_by="nia",
                )
            )  # fmt: skip
        for word in ("newsletter", "xyzzy", "any", "test_results", "gibberish"):
            connection.execute(
                sa.text(
                    "INSERT INTO consent (patient_id, channel, purpose, decision, decided_at, source) "
                    "VALUES (1, 'sms', :word, 'opt_out', :at, 'staff')"
                ).bindparams(sa.bindparam("at", type_=consent.c.decided_at.type)),
                {"word": word, "at": AT},
            )
    return record


def test_what_was_free_text_is_of_the_list_and_what_it_was_stays_beside_it(old: Record) -> None:
    migrate(old)
    with old.read() as connection:
        made = connection.execute(
            sa.select(template.c.key, template_purpose.c.purpose, template_purpose.c.mapped_from)
            .join(template_version, template_version.c.template_id == template.c.id)
            .join(template_purpose, template_purpose.c.template_version_id == template_version.c.id)
        ).all()
        said = connection.execute(
            sa.select(consent.c.purpose, consent.c.mapped_from).order_by(consent.c.id)
        ).all()
        sealed = connection.scalars(sa.select(template.c.purpose).order_by(template.c.id)).all()
    assert sorted(tuple(row) for row in made) == [
        ("flu-invite", "recall", "any"), ("jab", "recall", "any"), ("news", "marketing", "newsletter"),
        ("odd", "feedback", "xyzzy"), ("own-1", "care", "any"),
    ]  # fmt: skip
    assert [tuple(row) for row in said] == [
        ("marketing", "newsletter"), ("feedback", "xyzzy"), ("any", None), ("test_results", None),
        ("gibberish", None),
    ]  # fmt: skip
    assert sealed == [purpose for _, purpose, _ in KINDS]  # which are sealed, and so left alone
    found = {(one.what, one.word): one.became for one in what_was_mapped(old)}
    assert found[("decisions of patients", "gibberish")] is None
    assert found[("decisions of patients", "newsletter")] == "marketing"
    assert found[("news", "newsletter")] == "marketing"
    assert get_versions(old, "notice-1")[0].purpose == "staff notice"


def test_shipped_templates_have_their_purposes_once(record: Record) -> None:
    """A second `cohort init` makes no version, and leaves a purpose that the practice gave."""
    for _ in range(2):
        seed_catalogue(record, SystemClock(), TEMPLATES)
    changed = replace(TEMPLATES[0], purpose="care")
    add_template(record, SystemClock(), changed, by="nia")
    seed_catalogue(record, SystemClock(), TEMPLATES)
    assert [one.purpose for one in get_versions(record, changed.key)] == ["care", "recall"]
    for one in TEMPLATES[1:]:
        (version,) = get_versions(record, one.key)
        assert (version.purpose, version.version) == (one.purpose, 1)
