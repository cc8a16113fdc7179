"""ARC-8: a call as sound, by the real espeak-ng, and what is said where there is none."""

from __future__ import annotations

import shutil
import stat
import wave
from pathlib import Path

import pytest

from clinic.errors import CohortRefused
from clinic.gateway.voice.sound import PROGRAM, write_sound
from clinic.gateway.voice.spoken import spoken_seconds
from clinic.settings import Settings
from tests.servers.providers.cloud import ACCOUNT

TEXT = (
    "Dear Siân, your review is on Monday at half past nine. Ring 01632 960001 if you cannot come."
)
needs_espeak = pytest.mark.skipif(
    shutil.which(PROGRAM) is None,
    reason="NOT TESTED: calls as sound. espeak-ng is not installed: apt-get install espeak-ng",
)


def speaking(home: Path, language: str = "en-GB") -> Settings:
    section = {
        "type": "twilio_voice", "account": ACCOUNT, "auth_token": "secret", "sender": "+441632960999",
        "language": language, "stop_says": "9", "stopped_says": "-",
    }  # fmt: skip
    return Settings.model_validate(
        {
            "home": str(home / "home"),
            "gateways": {"calls": section},
            "channels": {"voice": {"gateways": ["calls"]}},
        }
    )


def files_in(folder: Path) -> list[Path]:
    """Of the home too, whose drafts are sounds; locks hold nothing."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]


def seconds_of(path: Path) -> float:
    with wave.open(str(path)) as sound:
        assert any(sound.readframes(sound.getnframes())), "it is silent"
        return sound.getnframes() / sound.getframerate()


@needs_espeak
@pytest.mark.parametrize("language", ["en-GB", "cy-GB", "pl-PL"])
def test_a_call_can_be_listened_to_in_its_language(tmp_path: Path, language: str) -> None:
    """As long as the estimate says, about; and nobody else may open the file, whatever it was before."""
    path = tmp_path / "call.wav"
    path.touch(mode=0o644)
    assert write_sound(path, speaking(tmp_path, language), TEXT) == language
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert 0.5 < seconds_of(path) / spoken_seconds(TEXT) < 2


@needs_espeak
def test_without_a_gateway_english_is_read_with_how_to_stop(tmp_path: Path) -> None:
    short, path = tmp_path / "short.wav", tmp_path / "call.wav"
    write_sound(short, speaking(tmp_path), TEXT)
    assert write_sound(path, Settings(home=tmp_path / "home"), TEXT) == "en-GB"
    assert seconds_of(path) > seconds_of(short) + 1


@needs_espeak
@pytest.mark.parametrize(
    ("language", "place", "code"),
    [
        ("qq-QQ", "call.wav", "sound-program"),
        ("en-GB", "no/such/call.wav", "sound-file"),
        ("en-GB", "call.csv", "sound-file"),
    ],
)
def test_what_cannot_be_spoken_or_written_is_said_and_leaves_no_file(
    tmp_path: Path, language: str, place: str, code: str
) -> None:
    with pytest.raises(CohortRefused, match=code):
        write_sound(tmp_path / place, speaking(tmp_path, language), TEXT)
    assert files_in(tmp_path) == []


def test_where_the_program_is_not_installed_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CohortRefused, match="sound-program") as refused:
        write_sound(
            tmp_path / "call.wav", speaking(tmp_path), TEXT, program="espeak-ng-is-not-here"
        )
    assert "apt-get install" in refused.value.says
    assert files_in(tmp_path) == []


@needs_espeak
def test_a_list_named_by_a_slip_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("nhs_number", encoding="utf-8")
    with pytest.raises(CohortRefused, match="sound-file"):
        write_sound(path, speaking(tmp_path), TEXT)
    assert path.read_text(encoding="utf-8") == "nhs_number"


@pytest.mark.parametrize("does", ["exit 3", "exit 0", "head -c 900 $TO > $7"])
def test_what_was_not_spoken_to_its_end_is_no_sound_and_costs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    """espeak-ng ends well where the disk is full: the file of last time stays, and nothing is promised."""
    whole, path, program = tmp_path / "whole.wav", tmp_path / "call.wav", tmp_path / "espeak"
    with wave.open(str(whole), "wb") as sound:
        sound.setparams((1, 2, 22_050, 0, "NONE", ""))
        sound.writeframes(b"\1" * 2_000)
    path.write_bytes(whole.read_bytes())
    program.write_text(f"#!/bin/sh\nset -- $0 $@\n{does}\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setenv("TO", str(whole))
    with pytest.raises(CohortRefused, match="sound-program"):
        write_sound(path, speaking(tmp_path), TEXT, program=str(program))
    assert path.read_bytes() == whole.read_bytes()
