"""PAT-11: versions are never changed, the program's own stay, and who added or retired one is on the trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from clinic.ask.file import digest_of
from clinic.ask.shipped import shipped
from clinic.ask.versions import (
    add_questionnaire,
    list_questionnaires,
    load_questionnaire,
    retire_questionnaire,
    seed_questionnaires,
    versions_of,
)
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.verify import verify
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.lists import questionnaire_version
from tests.clinic.ask.forms import ask, choice, form
from tests.fakes import FakeClock

ONE, TWO = form(choice("q", 0, 1)), form(choice("q", 0, 2))


def acts(record: Record) -> Iterator[tuple[str, str, dict[str, object]]]:
    c = audit_act.c
    with record.read() as connection:
        for row in connection.execute(
            sa.select(c.operation_type, c.operator, c.new_values).order_by(c.number)
        ):
            said = row.new_values
            yield (
                row.operation_type,
                row.operator,
                json.loads(said) if isinstance(said, str) else said,
            )


def test_what_is_changed_is_a_new_version_and_the_old_one_stays(
    record: Record, clock: FakeClock
) -> None:
    added = [add_questionnaire(record, clock, each, by="nia") for each in (ONE, ONE, TWO, ONE)]
    assert added == [1, 1, 2, 3]
    assert digest_of(load_questionnaire(record, "test", 1)[1]) == digest_of(ONE)
    assert digest_of(load_questionnaire(record, "test", 2)[1]) == digest_of(TWO)
    assert load_questionnaire(record, "test")[0].version == 3
    assert [(kind, by, new["version"]) for kind, by, new in acts(record)] == [
        ("questionnaire.added", "nia", version) for version in (1, 2, 3)
    ]


def test_a_retired_one_stays_and_is_sent_again_once_it_is_added(
    record: Record, clock: FakeClock
) -> None:
    add_questionnaire(record, clock, ONE, by="nia")
    retired = [retire_questionnaire(record, clock, "test", by="mia") for _ in range(2)]
    assert retired == [True, False]
    (only,) = list_questionnaires(record, search="TEST")
    assert (only.version, only.retired_by, only.retired_at) == (1, "mia", clock.now())
    assert add_questionnaire(record, clock, ONE, by="nia") == 2
    assert [each.retired_by for each in versions_of(record, "test")] == [None, "mia"]
    assert [kind for kind, _, _ in acts(record)] == [
        "questionnaire.added", "questionnaire.retired", "questionnaire.added",
    ]  # fmt: skip


def test_what_ships_is_there_once_and_cannot_be_replaced(record: Record, clock: FakeClock) -> None:
    for _ in range(2):
        seed_questionnaires(record, clock, shipped())
    found = list_questionnaires(record)
    assert ({each.version for each in found}, len(found)) == ({1}, 6)
    ours = form(ask("q"), id="phq-9")
    with pytest.raises(NotAllowed, match="questionnaire-locked"):
        add_questionnaire(record, clock, ours, by="nia")
    seed_questionnaires(record, clock, [ours])  # the program's own next version
    assert load_questionnaire(record, "phq-9")[0].version == 2
    retire_questionnaire(record, clock, "phq-9", by="mia")
    seed_questionnaires(record, clock, shipped())
    assert (
        load_questionnaire(record, "phq-9")[0].version == 2
    )  # what was retired is not brought back


def test_a_sites_own_is_not_replaced_by_one_that_ships(record: Record, clock: FakeClock) -> None:
    add_questionnaire(record, clock, form(ask("q"), id="phq-9"), by="nia")
    seed_questionnaires(record, clock, shipped())
    assert [each.created_by for each in versions_of(record, "phq-9")] == ["nia"]


@pytest.mark.parametrize("version", [None, 7])
def test_what_is_not_there_is_said(record: Record, clock: FakeClock, version: int | None) -> None:
    if version:
        add_questionnaire(record, clock, ONE, by="nia")
    with pytest.raises(NotFound, match="questionnaire-unknown"):
        load_questionnaire(record, "test", version)
    with pytest.raises(NotFound, match="questionnaire-unknown"):
        versions_of(record, "nothing")
    with pytest.raises(NotFound, match="questionnaire-unknown"):
        retire_questionnaire(record, clock, "nothing", by="nia")


def test_two_at_once_make_two_versions_and_no_error(record: Record, clock: FakeClock) -> None:
    forms = [form(choice("q", 0, weight)) for weight in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda one: add_questionnaire(record, clock, one, by="nia"), forms))
    assert sorted(made) == list(range(1, 9))


def test_an_edit_past_the_program_is_found(record: Record, clock: FakeClock) -> None:
    """ALC-40: a version is sealed where it stands."""
    add_questionnaire(record, clock, ONE, by="nia")
    assert verify(record, None).first_fault is None
    with record.write() as connection:
        connection.execute(sa.update(questionnaire_version).values(resource="{}"))
    assert verify(record, None).first_fault is not None
