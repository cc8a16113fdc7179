"""`cohort init`: every setting with a comment, and safe to run again."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from cli.begin.settings_file import settings_file
from clinic.settings import Hours, Settings
from clinic.values.calendar import calendar_of
from tests.cli.conftest import Type


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_every_setting_is_in_the_file_at_its_default_with_a_comment() -> None:
    text = settings_file({})
    assert tomllib.loads(text).keys() <= set(Settings.model_fields)
    uncommented = re.sub(r"^# (\w+ =)", r"\1", text, flags=re.MULTILINE)
    for name in _names(Settings):
        assert re.search(rf"^# .+\n{name.rpartition('.')[2]} =", uncommented, re.MULTILINE), name


def test_the_defaults_of_the_file_are_those_of_the_program(tmp_path: Path) -> None:
    uncommented = re.sub(r"^# (\w+ = )", r"\1", settings_file({}), flags=re.MULTILINE)
    flat = {key: value for key, value in tomllib.loads(uncommented).items() if key != "operator"}
    assert Settings(**flat).model_dump(exclude={"operator"}) == Settings().model_dump(
        exclude={"operator"}
    )


def test_what_was_chosen_is_not_commented_out() -> None:
    chosen = tomllib.loads(settings_file({"organisation.name": "Meddygfa Gŵyr"}))
    assert chosen["organisation"] == {"name": "Meddygfa Gŵyr"}


def test_init_sets_up_a_record_and_the_catalogue_and_again_changes_nothing(
    typed: Type, home: Path, config: Path
) -> None:
    before = config.read_text(encoding="utf-8")
    for _ in range(2):
        assert typed("init").code == 0
    assert config.read_text(encoding="utf-8") == before
    assert (home / "record.db").exists()
    assert home.stat().st_mode & 0o077 == 0
    keys = [text["key"] for text in typed("templates", "list", "--json").json()]
    assert "appointment-reminder" in keys


def test_init_writes_the_profile_that_was_asked_for(typed: Type, config: Path) -> None:
    config.unlink()
    elsewhere = ("--record-url", f"sqlite:///{config}.db")
    assert typed("init", "--name", "Llanfair", "--id-scheme", "emis", *elsewhere).code == 0
    settings = tomllib.loads(config.read_text(encoding="utf-8"))
    assert settings["organisation"] == {"name": "Llanfair", "id_scheme": "emis"}
    assert config.stat().st_mode & 0o077 == 0


def test_a_home_that_others_can_read_is_closed_with_a_word(typed: Type, home: Path) -> None:
    assert typed("init").code == 0
    for mode in (0o755, 0o750):
        home.chmod(mode)
        told = typed("campaigns")
        assert (told.code, home.stat().st_mode & 0o777) == (0, 0o700)
        assert "could be read by others: it is closed to them now" in told.err
    assert "could be read" not in typed("campaigns").err


WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
TEXT = {day: ["08:00-20:00"] for day in WORKDAYS}
VOICE = {day: ["09:00-18:00"] for day in WORKDAYS}


@pytest.mark.parametrize(
    ("words", "text", "says"),
    [
        ((), TEXT, "Mon-Fri 08:00-20:00"),
        (
            ("--yes",),
            TEXT,
            "Calls are made Mon-Fri 09:00-18:00",
        ),
        (("--text-hours", "always"), {}, "at any hour, also at night"),
        (
            ("--text-hours", "Mon 08:00-12:30, mon 14:00-18:00, wed-thu 09:00-12:00"),
            {"mon": ["08:00-12:30", "14:00-18:00"], "wed": ["09:00-12:00"], "thu": ["09:00-12:00"]},
            "Mon 08:00-12:30 and 14:00-18:00, Wed-Thu 09:00-12:00",
        ),
    ],
)
def test_init_sets_working_hours_and_says_which_and_where_to_change_them(
    typed: Type, config: Path, words: tuple[str, ...], text: dict[str, list[str]], says: str
) -> None:
    """ARC-15, NEW-4: nobody is texted at night unless somebody asked for that."""
    config.unlink()
    elsewhere = ("--record-url", f"sqlite:///{config}.db")
    told = typed("init", *words, *elsewhere)
    assert (told.code, says in told.err) == (0, True)
    assert "cohort settings ask hours.text" in told.err
    written = tomllib.loads(config.read_text(encoding="utf-8"))["hours"]
    assert written == {"text": text, "voice": VOICE, "country": "GB"}
    assert Settings(hours=written).hours.voice
    again = typed("init", "--text-hours", "sun 03:00-04:00")
    assert (again.code, "setting-governed" in again.err) == (3, True)
    assert says in typed("init").err


def test_a_second_init_changes_what_is_given_and_says_from_what_to_what(
    typed: Type, config: Path
) -> None:
    config.write_text(
        '# mine\noperator = "nia"\n[phones]\ntest_range = true\n\n[organisation]\n'
        '# name = "The Practice"\nphone = "1"  # the old one\n[sms]\nper_request = 5\n',
        encoding="utf-8",
    )
    assert typed("init").code == 0
    told = typed("init", "--name", 'A "B" [c]', "--phone", "029 2018 0777", "--id-scheme", "emis")
    assert told.code == 0, told.err
    assert 'organisation.phone = "029 2018 0777"  (it was "1")' in told.err
    assert '(it was "The Practice")' in told.err
    assert "operator =" not in told.err
    written = tomllib.loads(config.read_text(encoding="utf-8"))
    assert written == {
        "operator": "nia",
        "phones": {"test_range": True},
        "organisation": {"name": 'A "B" [c]', "phone": "029 2018 0777", "id_scheme": "emis"},
        "sms": {"per_request": 5},
    }
    assert config.read_text(encoding="utf-8").startswith("# mine\n")
    again = typed("init", "--phone", "029 2018 0777")
    assert "nothing was changed" in again.err


def test_what_only_a_person_can_change_in_the_file_is_left_to_them(
    typed: Type, config: Path
) -> None:
    before = 'organisation = { name = "A" }\n'
    config.write_text(before, encoding="utf-8")
    told = typed("init", "--phone", "1")
    assert (told.code, "settings-file" in told.err) == (2, True)
    assert config.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--record-url", "mysql://db/x"), "postgresql://"),
        (("--record-url", "db.example/x"), "postgresql://"),
        (("--record-url", "sqlite:////no/such/folder/record.db"), "cannot be opened"),
        (("--record-url", "postgresql://cohort@127.0.0.1:9/x"), "cannot be opened"),
        (("--record-url", "postgresql://cohort:hunter2@127.0.0.1:9/x"), "record-password"),
        (("--record-url", "postgresql://cohort@127.0.0.1:9/x?password=hunter2"), "record-password"),
        (("--record-url", "postgresql://cohort@db.example.org/x"), "sslmode=verify-full"),
        (("--country", "ZZ"), "no holidays are known"),
        (("--country", "GB", "--subdivision", "Q"), "no holidays are known"),
    ],
)
def test_what_cannot_be_is_not_written(
    typed: Type, config: Path, words: tuple[str, ...], says: str
) -> None:
    config.unlink()
    told = typed("init", *words)
    assert (told.code, says in told.err, config.exists()) == (2, True, False), told.err
    assert "hunter2" not in told.err


@pytest.mark.parametrize(
    ("words", "country"), [((), "GB"), (("--country", "us"), "US"), (("--country", "none"), "")]
)
def test_a_new_installation_is_closed_on_christmas_day_unless_it_is_opened(
    typed: Type, config: Path, words: tuple[str, ...], country: str
) -> None:
    config.unlink()
    told = typed("init", "--text-hours", "always", *words)
    hours = Hours(**tomllib.loads(config.read_text(encoding="utf-8"))["hours"])
    assert hours.country == country
    noon = datetime(2026, 12, 25, 17, tzinfo=UTC)
    assert calendar_of(Settings(hours=hours)).may_use("sms", noon) is not bool(country)
    assert ("Open on public holidays too" in told.err) is not bool(country)


def test_the_first_person_adds_themselves(typed: Type) -> None:
    told = typed("init")
    assert "cohort operators add\n" in told.err
    secret = "a secret of some length\n"
    readable, writable = os.pipe()
    os.write(writable, secret.encode())
    os.close(writable)
    added = typed("operators", "add", "--new-secret-fd", str(readable))
    assert added.code == 0, added.err
    assert typed("operators", "list", "--json").json() == [
        {"name": "nia", "role": "admin", "active": True, "clinician": None, "facilities": []}
    ]
    assert "cohort operators add\n" not in typed("init").err


@pytest.mark.parametrize(
    "hours", ["8-20", "mon", "mon 20:00-08:00", "fri-mon 08:00-20:00", "mo 08:00-20:00", ","]
)
def test_hours_that_are_none_are_refused_before_anything_is_written(
    typed: Type, config: Path, hours: str
) -> None:
    config.unlink()
    told = typed("init", "--text-hours", hours)
    assert (told.code, "hours-unreadable" in told.err, config.exists()) == (2, True, False)


@pytest.mark.parametrize(
    "fault", ["batch_size = 0", "no_such_setting = 1", "[organisation]\nname = 5"]
)
def test_a_setting_that_makes_no_sense_is_named(typed: Type, config: Path, fault: str) -> None:
    config.write_text(fault, encoding="utf-8")
    told = typed("campaigns")
    assert told.code == 2
    assert "settings" in told.err
