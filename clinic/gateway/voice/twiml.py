"""
What a call says, as TwiML: made by the XML library of Python, so that no text can become an instruction.

    the text · "to stop these calls, press 9", and 3 seconds for it · the text once more · the same

A key that is pressed while the text is read does nothing, so that none cuts it short.
Source: twilio.com/docs/voice/twiml (Say, Gather); XML 1.0 §2.2 (characters).
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

STOP_KEY: Final = "9"
LONGEST: Final = 4_000  # characters of a document that comes with the request
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Speaker:
    """Makes documents in one language and voice."""

    def __init__(self, language: str, voice: str, stopping: tuple[str, str]) -> None:
        """stopping: how 9 stops these calls, and what is said when it was pressed."""
        self._how = {"language": language, **({"voice": voice} if voice else {})}
        self._stop, self._stopped = stopping

    def message(self, text: str, pressed: str) -> str:
        """
        A message, twice where both fit.

        pressed: where a key that is pressed is told
        """
        twice = self._document([text, text], pressed)
        return twice if len(twice) <= LONGEST else self._document([text], pressed)

    def after(self, digits: str) -> str:
        """What is said when a key was pressed: that the calls are stopped, or nothing more."""
        response = ElementTree.Element("Response")
        if digits == STOP_KEY:
            self._say(response, self._stopped)
        return _text(response)

    def _document(self, texts: list[str], pressed: str) -> str:
        response = ElementTree.Element("Response")
        for text in texts:
            self._say(response, text)
            asked = {
                "action": pressed,
                "method": "POST",
                "input": "dtmf",
                "numDigits": "1",
                "timeout": "3",
            }
            self._say(ElementTree.SubElement(response, "Gather", asked), self._stop)
        return _text(response)

    def _say(self, parent: ElementTree.Element, text: str) -> None:
        ElementTree.SubElement(parent, "Say", self._how).text = _NO_XML.sub(" ", text)


def _text(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode")
