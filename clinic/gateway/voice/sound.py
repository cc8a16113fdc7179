"""
A call as sound, to listen to before anybody is called: by espeak-ng, a program of every Linux.

Its voice is not the provider's: what it shows is how numbers, dates, names and abbreviations are read. The text
goes to it by its standard input, since everybody on the machine may see a command's words. The file is for its
owner alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from clinic.errors import CohortRefused
from clinic.gateway.voice.spoken import WORDS_A_MINUTE
from clinic.record.private import claim
from clinic.settings import Settings
from clinic.settings.gateways.voice import STOP_SAYS, TwilioVoice

PROGRAM: Final = "espeak-ng"
_USUAL: Final = "en-GB"
_SECONDS: Final = 120.0


def write_sound(path: Path, settings: Settings, text: str, *, program: str = PROGRAM) -> str:
    """
    Write what a call with this text says into a WAV; the language that it is read in.

    Raises:
        CohortRefused: the file cannot be written; the program is not installed, or has no such voice
    """
    own = settings.gateways.get(settings.gateway_name("voice") or "")
    language, stop = _USUAL, STOP_SAYS[_USUAL[:2]][0]
    if isinstance(own, TwilioVoice):
        language, (stop, _) = own.language, own.stopping
    found = shutil.which(program)
    if found is None:
        raise CohortRefused(
            "sound-program",
            f"{program} is not installed, which reads a call aloud: apt-get install {program} (dnf, brew). "
            "Nothing was written; without --sound FILE the words are shown",
        )
    try:
        os.close(claim(path))
    except OSError as error:
        raise CohortRefused(
            "sound-file", f"{path} cannot be written: {error.strerror or 'it is no file'}"
        ) from None
    said = f"{text}\n\n{stop}\n".encode()
    for voice in (
        language.lower(),
        language[:2],
    ):  # espeak-ng knows some by their country, most without
        words = [
            found,
            "-v",
            voice,
            "-s",
            str(WORDS_A_MINUTE),
            "-w",
            str(path.resolve()),
            "--stdin",
        ]
        done = subprocess.run(words, input=said, capture_output=True, timeout=_SECONDS, check=False)
        if done.returncode == 0:
            return language
    path.unlink(missing_ok=True)
    raise CohortRefused(
        "sound-program", f"{program} has no voice for {language} (espeak-ng --voices lists them)"
    )
