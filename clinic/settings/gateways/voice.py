"""Calls that read the message, and when one that reached nobody is made again; `type = "twilio_voice"`."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from pydantic import Field, model_validator

from clinic.settings.gateways.cloud import TwilioAccount
from clinic.settings.gateways.named import NamedGateway

# Said after the text, and when 9 was pressed; by the language that the voice speaks
STOP_SAYS: Final = {
    "en": ("To stop these calls, press 9.", "You will get no more of these calls. Goodbye."),
    "cy": ("I atal y galwadau hyn, pwyswch 9.", "Ni chewch ragor o'r galwadau hyn. Hwyl fawr."),
}


class VoiceCalls(NamedGateway):
    """What all gateways that call have in common."""

    serves: ClassVar[frozenset[str]] = frozenset({"voice"})

    sender: str = Field(
        pattern=r"^\+[1-9]\d{6,14}$",
        description="The number that calls come from, +44…: one that the provider knows to be yours",
    )
    language: str = Field(
        default="en-GB",
        pattern="^[a-z]{2,3}-[A-Z]{2}$",
        description="What the voice speaks; texts of other languages are not read by it",
    )
    stop_says: str = Field(
        default="",
        max_length=200,
        description="How 9 stops these calls, said after the text; empty: our own words, in English and Welsh",
    )
    stopped_says: str = Field(
        default="", max_length=200, description="What is said when 9 was pressed; empty: likewise"
    )
    ring_seconds: int = Field(
        default=30, ge=10, le=120, description="How long it rings until nobody has answered"
    )
    per_second: float = Field(
        default=1,
        gt=0,
        description="Most calls begun in a second, over all processes together",
    )
    most_segments: int = Field(
        default=3, ge=1, le=3, description="Most minutes that a text may take to read"
    )
    most_tries: int = Field(
        default=2,
        ge=1,
        le=10,
        description="Most calls to a patient of one message that reach nobody, the first included",
    )
    wait_minutes: float = Field(
        default=5, ge=0, description="Between two of them at least so many minutes"
    )
    apart_hours: float = Field(
        default=1,
        ge=0,
        le=11,
        description="Not within so many hours of the time of day of the last one, on whatever day: who was "
        "not in at nine is not called at nine",
    )

    @model_validator(mode="after")
    def _says_how_to_stop(self) -> VoiceCalls:
        if not (self.stop_says and self.stopped_says) and self.language[:2] not in STOP_SAYS:
            raise ValueError(
                f"write stop_says and stopped_says in the language {self.language}: how pressing 9 stops these "
                "calls, and that they are stopped"
            )
        return self

    @property
    def agreed_rate(self) -> float:
        """Calls begun in a second."""
        return self.per_second

    @property
    def stopping(self) -> tuple[str, str]:
        """What is said of 9, and after it."""
        how, done = STOP_SAYS.get(self.language[:2], ("", ""))
        return self.stop_says or how, self.stopped_says or done


class TwilioVoice(VoiceCalls, TwilioAccount):
    """Twilio Programmable Voice."""

    type: Literal["twilio_voice"]
    voice: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.-]*$",
        description="Twilio's name of a voice of that language, Polly.Amy; empty: its default",
    )
