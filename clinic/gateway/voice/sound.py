"""
A call as sound, to listen to before anybody is called: by espeak-ng, a program of every Linux.

Its voice is not the provider's: what it shows is how numbers, dates, names and abbreviations are read. The text
goes to it by its standard input, since everybody on the machine may see a command's words. The file is for its
owner alone.
"""

from __future__ import annotations

import shutil
import subprocess
import wave
from pathlib import Path
from typing import Final

from clinic.errors import CohortRefused
from clinic.gateway.voice.spoken import WORDS_A_MINUTE
from clinic.record.private import claim, drafts_in
from clinic.settings import Settings
from clinic.settings.gateways.voice import STOP_SAYS, VoiceCalls

PROGRAM: Final = "espeak-ng"
_USUAL: Final = "en-GB"
_SECONDS: Final = 120.0


def write_sound(path: Path, settings: Settings, text: str, *, program: str = PROGRAM) -> str:
    """
    Write what a call with this text says into a WAV; the language that it is read in.

    Made as a draft of the home: a file that is there stays as it is until the whole call is spoken.

    Raises:
        CohortRefused: the file is no .wav, or cannot be written; the program is not installed, has no such
            voice, or did not speak
    """
    own = settings.gateways.get(settings.gateway_name("voice") or "")
    language, stop = _USUAL, STOP_SAYS[_USUAL[:2]][0]
    if isinstance(own, VoiceCalls):
        language, (stop, _) = own.language, own.stopping
    if path.suffix.lower() != ".wav":  # or the list itself, by a slip, would be gone
        raise CohortRefused("sound-file", f"{path} is no sound file: name one that ends in .wav")
    found = shutil.which(program)
    if found is None:
        raise CohortRefused(
            "sound-program",
            f"{program} is not installed, which reads a call aloud: apt-get install {program} (dnf, brew). "
            "Nothing was written; without --sound FILE the words are shown",
        )
    try:
        with drafts_in(settings.home) as drafts:
            _speak(found, drafts / "call.wav", language, f"{text}\n\n{stop}\n")
            whole = (drafts / "call.wav").read_bytes()
        with open(claim(path), "wb") as file:
            file.write(whole)
    except OSError as error:
        raise CohortRefused(
            "sound-file", f"{path} cannot be written: {error.strerror or 'it is no file'}"
        ) from None
    return language


def _speak(program: str, draft: Path, language: str, text: str) -> None:
    said = text.encode("utf-8", "replace")
    # espeak-ng knows some by their country, most without
    for voice in (language.lower(), language[:2]):
        words = [program, "-v", voice, "-s", str(WORDS_A_MINUTE), "-w", str(draft), "--stdin"]
        try:
            done = subprocess.run(
                words, input=said, capture_output=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise CohortRefused(
                "sound-program", f"{PROGRAM} did not end within {_SECONDS:.0f} seconds"
            ) from None
        if done.returncode == 0 and _is_whole(draft):
            return
    raise CohortRefused(
        "sound-program",
        f"{PROGRAM} has no voice for {language} (espeak-ng --voices lists them), or could not write",
    )


def _is_whole(draft: Path) -> bool:
    """The program says nothing of a disk that is full: the file's own length is compared."""
    try:
        with wave.open(str(draft)) as sound:
            wanted = sound.getnframes() * sound.getnchannels() * sound.getsampwidth()
            return bool(0 < wanted == len(sound.readframes(sound.getnframes())))
    except (OSError, EOFError, wave.Error):
        return False
