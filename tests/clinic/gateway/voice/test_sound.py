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


def speaking(language: str) -> Settings:
    section = {
        "type": "twilio_voice", "account": ACCOUNT, "auth_token": "secret", "sender": "+441632960999",
        "language": language, "stop_says": "9", "stopped_says": "-",
    }  # fmt: skip
    return Settings.model_validate(
        {"gateways": {"calls": section}, "channels": {"voice": {"gateways": ["calls"]}}}
    )


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
    assert write_sound(path, speaking(language), TEXT) == language
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert 0.5 < seconds_of(path) / spoken_seconds(TEXT) < 2


@needs_espeak
def test_without_a_gateway_english_is_read_with_how_to_stop(tmp_path: Path) -> None:
    short, path = tmp_path / "short.wav", tmp_path / "call.wav"
    write_sound(short, speaking("en-GB"), TEXT)
    assert write_sound(path, Settings(), TEXT) == "en-GB"
    assert seconds_of(path) > seconds_of(short) + 1


@needs_espeak
@pytest.mark.parametrize(
    ("language", "place", "code"),
    [("qq-QQ", "call.wav", "sound-program"), ("en-GB", "no/such/call.wav", "sound-file")],
)
def test_what_cannot_be_spoken_or_written_is_said_and_leaves_no_file(
    tmp_path: Path, language: str, place: str, code: str
) -> None:
    with pytest.raises(CohortRefused, match=code):
        write_sound(tmp_path / place, speaking(language), TEXT)
    assert list(tmp_path.iterdir()) == []


def test_where_the_program_is_not_installed_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CohortRefused, match="sound-program") as refused:
        write_sound(tmp_path / "call.wav", Settings(), TEXT, program="espeak-ng-is-not-here")
    assert "apt-get install" in refused.value.says
    assert list(tmp_path.iterdir()) == []
