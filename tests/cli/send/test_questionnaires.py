"""`cohort questionnaires`: looked after and tried out in the terminal (PAT-11, PAT-24)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fhirkit
import pytest

from clinic.record.database import Record
from tests.cli.conftest import Type
from tests.clinic.ask.forms import ask, choice, raw

PHQ: dict[str, Any] = {f"item-{n}": "LA6569-3" for n in range(1, 10)}


def kept(folder: Path, value: Any) -> str:
    path = folder / "file.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return str(path)


def test_a_sites_own_is_added_seen_and_retired(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    """PAT-11: searched, previewed as the patient has it, versions kept."""
    path = kept(tmp_path, raw(choice("q", 0, 1), title="Sleep [/b]"))
    assert "test is at version 1" in typed("questionnaires", "add", path).err
    assert "test is at version 1" in typed("questionnaires", "add", path).err
    found = typed("questionnaires", "list", "sleep", "--json").json()
    assert [(each["key"], each["created_by"]) for each in found] == [("test", "nia")]
    assert typed("questionnaires", "preview", "test").out.splitlines()[0] == "Sleep [/b]"
    written = typed("questionnaires", "show", "test", "--fhir").out
    assert (fhirkit.validate(written), json.loads(written)["title"]) == ([], "Sleep [/b]")
    assert "test is retired" in typed("questionnaires", "retire", "test").err
    assert "was retired already" in typed("questionnaires", "retire", "test").err
    assert "Sleep" in typed("questionnaires", "list").out
    (one,) = typed("questionnaires", "show", "test", "--json").json()
    assert one["retired_by"] == "nia"


def test_a_preview_is_what_the_patient_reads(typed: Type, installed: Record) -> None:
    told = typed("questionnaires", "preview", "smoking-status").out
    assert "( ) No, I have never smoked" in told
    assert "[Only if “Do you smoke tobacco?” is “Yes, I smoke”]" in told
    assert told.count("call 111") == 2  # before the first question, and at the end
    assert (
        "____ A number from 10 to 400, in kilograms"
        in typed("questionnaires", "preview", "height-and-weight").out
    )
    assert "Samaritans" in " ".join(typed("questionnaires", "show", "phq-9").out.split())


def test_a_dry_run_says_score_band_and_what_to_do_now(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    """PAT-24: nothing is kept."""
    told = typed("questionnaires", "score", "phq-9", kept(tmp_path, PHQ))
    assert (told.code, "PHQ-9 total\t9\tmild" in told.out) == (0, True)
    assert "FLAGGED item-9" in told.err
    assert "116 123" in told.err
    found = typed("questionnaires", "score", "phq-9", kept(tmp_path, PHQ), "--json").json()
    assert (found["scores"][0]["value"], found["scores"][0]["band"]) == (9, "mild")
    assert found["scores"][0]["codes"][0] == "http://loinc.org|44261-6"
    assert [flag["link_id"] for flag in found["flags"]] == ["item-9"]
    written = typed("questionnaires", "score", "phq-9", kept(tmp_path, PHQ), "--fhir").out
    assert fhirkit.validate(written) == []


def test_what_was_switched_off_is_named(typed: Type, installed: Record, tmp_path: Path) -> None:
    path = kept(tmp_path, {"status": "266919005", "a-day": "160603005"})
    assert (
        "Dropped, since another answer switched it off: a-day"
        in typed("questionnaires", "score", "smoking-status", path).err
    )


@pytest.mark.parametrize(
    ("words", "content", "code"),
    [
        (("score", "phq-9"), {"item-1": "LA6569-3"}, "answers-unfit"),
        (("score", "phq-9", "--fhir"), {"item-1": "secret"}, "answers-unfit"),
        (("score", "phq-9"), "[", "answers-unreadable"),
        (("score", "phq-9", "--version", "9"), PHQ, "questionnaire-unknown"),
        (("score", "phq"), PHQ, "questionnaire-unknown"),
        (("add",), "{", "questionnaire-unreadable"),
        (("add",), raw(ask("q", repeats=True)), "questionnaire-unfit"),
        (("add",), raw(ask("q"), id="phq-9"), "questionnaire-locked"),
    ],
)
def test_what_is_wrong_is_said_with_its_code(
    typed: Type, installed: Record, tmp_path: Path, words: tuple[str, ...], content: Any, code: str
) -> None:
    """What, where, what to do; never a patient's answer."""
    told = typed("questionnaires", *words, kept(tmp_path, content))
    assert (told.code in (2, 3), f"{code}:" in told.err) == (True, True)
    assert "secret" not in told.err


def test_the_sites_limit_of_blood_pressure_counts(
    typed: Type, installed: Record, config: Path, tmp_path: Path
) -> None:
    """A site may be more careful, and cannot switch the flag off."""
    path = kept(tmp_path, {"day-1-morning-1-systolic": 165})
    words = ("questionnaires", "score", "home-blood-pressure", path)
    assert "FLAGGED" not in typed(*words).err
    text = config.read_text(encoding="utf-8")
    assert "systolic_danger = 180" in text
    config.write_text(
        text.replace("# systolic_danger = 180", "systolic_danger = 160").replace(
            "systolic_danger = 180", "systolic_danger = 160"
        )
    )
    assert "FLAGGED day-1-morning-1-systolic" in typed(*words).err
    config.write_text(config.read_text().replace("systolic_danger = 160", "systolic_danger = 999"))
    assert "systolic_danger" in typed(*words).err
