"""
From text, or a recording, to what a telephone carries: 8,000 samples a second of 16 bits, one channel.

The text is spoken by espeak-ng into our own memory: what a patient is told is in no file.
"""

from __future__ import annotations

import io
import subprocess
import wave
from typing import Any, Final

import numpy as np

from clinic.gateway.voice.spoken import WORDS_A_MINUTE

PROGRAM: Final = "espeak-ng"
RATE: Final = 8_000  # of G.711
_SECONDS: Final = 60.0
_LOUDEST: Final = 32_767


class Unspoken(Exception):
    """It could not be spoken, or is no recording: why, in a sentence without patient data."""


def speak(text: str, language: str, *, program: str = PROGRAM) -> bytes:
    """
    A text as sound.

    Raises:
        Unspoken: the program is not there, has no such voice, or did not end in time
    """
    for voice in (language.lower(), language[:2]):
        words = [program, "-v", voice, "-s", str(WORDS_A_MINUTE), "--stdin", "--stdout"]
        try:
            done = subprocess.run(
                words, input=text.encode(), capture_output=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            raise Unspoken(f"{program} did not run, which reads calls aloud") from None
        if done.returncode == 0 and done.stdout:
            return read_wav(done.stdout)
    raise Unspoken(f"{program} has no voice for {language} (espeak-ng --voices lists them)")


def read_wav(content: bytes) -> bytes:
    """
    A WAV of 16 bits at any rate as the telephone carries it.

    Raises:
        Unspoken: it is none
    """
    try:
        with wave.open(io.BytesIO(content)) as sound:
            channels, width, rate = (
                sound.getnchannels(),
                sound.getsampwidth(),
                sound.getframerate(),
            )
            frames = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError):
        raise Unspoken("it is no WAV") from None
    if width != 2 or not frames:
        raise Unspoken("it is no WAV of 16 bits, or has no sound")
    samples = np.frombuffer(frames[: len(frames) // (2 * channels) * 2 * channels], dtype="<i2")
    return _slowed(samples.reshape(-1, channels).mean(axis=1), rate)


def _slowed(samples: np.ndarray[Any, Any], rate: int) -> bytes:
    """At the telephone's rate; what is too high for it is left out, or it would be heard as a false tone."""
    wanted = max(1, round(len(samples) * RATE / rate))
    heard = np.fft.irfft(np.fft.rfft(samples), wanted) * (wanted / len(samples))
    return np.clip(heard, -_LOUDEST, _LOUDEST).astype("<i2").tobytes()
