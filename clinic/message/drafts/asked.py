"""What was chosen of a bulk message so far: whom, what, with which code, when. No patient's data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from clinic.message.campaign.request import CohortChoice, MessageRequest

Source = Literal["", "file", "ids", "list", "group", "filter"]
Timing = Literal["", "now", "later", "stagger"]
_FILTER: Final = ("status", "facility", "provider", "registered_from", "registered_to")


class Asked(BaseModel):
    """
    As it stands in the draft; what is empty is yet to be chosen.

    source: where the patients come from; file_name: of the upload, as its owner knows it
    template: its key; "" where a text was written: text, subject, purpose
    dry_run: all is done, and nothing is sent (NEW-13)
    override: why the list is right although its checks stop it; again: it was sent before, and is once more
    """

    model_config = ConfigDict(extra="forbid")

    list_name: str = ""
    source: Source = ""
    file_name: str = ""
    group: str | None = None
    status: str | None = None
    facility: str | None = None
    provider: str | None = None
    registered_from: date | None = None
    registered_to: date | None = None
    channel: Literal["sms", "email", "voice"] = "sms"
    template: str = ""
    text: str = ""
    subject: str = ""
    purpose: str = ""
    snomed_codes: tuple[str, ...] = ()
    save_to_record: bool = True
    timing: Timing = ""
    start_at: datetime | None = None
    stagger_days: int | None = None
    dry_run: bool = False
    override: str = ""
    again: bool = False

    @property
    def has_list(self) -> bool:
        """PAT-6: whom, and what that list is called."""
        return bool(self.list_name and self.source)

    @property
    def has_text(self) -> bool:
        """A template, or a text with what it is for."""
        return bool(self.template or (self.text and self.purpose))

    @property
    def is_complete(self) -> bool:
        """Whether it can be checked. A code is not needed."""
        return self.has_list and self.has_text and bool(self.timing)

    @property
    def missing(self) -> tuple[str, ...]:
        """What is yet to be chosen, in the order of the pages."""
        parts = {"list": self.has_list, "text": self.has_text, "when": bool(self.timing)}
        return tuple(name for name, there in parts.items() if not there)

    def filled(self, values: Mapping[str, Any]) -> Asked:
        """With these values in place of what was chosen before."""
        return Asked.model_validate({**self.model_dump(), **values})


def request_of(
    asked: Asked, *, template: str, request_key: str, file: str | None, list_id: int | None
) -> MessageRequest:
    """
    The request that a complete draft means.

    Args:
        template: the key of its template, or of its text as it was kept
        file: of its upload; None: it is imported, or there was none
    """
    chosen: dict[str, Any] = {}
    if list_id is not None:
        chosen["list_id"] = list_id
    elif asked.source == "file":
        chosen["file"] = file
    elif asked.source == "group":
        chosen["group"] = asked.group
    else:
        chosen = {name: getattr(asked, name) for name in _FILTER}
    return MessageRequest(
        list_name=asked.list_name,
        cohort=CohortChoice(**chosen),
        template=template,
        channel=asked.channel,
        snomed_codes=list(asked.snomed_codes),
        save_to_record=asked.save_to_record,
        dry_run=asked.dry_run,
        override_gate=asked.override or None,
        again=asked.again,
        start_at=asked.start_at if asked.timing != "now" else None,
        stagger_days=asked.stagger_days if asked.timing == "stagger" else None,
        request_key=request_key,
    )
