"""MESH: the mailboxes through which NHS systems hand each other files."""

from __future__ import annotations

import re
from datetime import date

from pydantic import Field, SecretStr, model_validator

from clinic.settings.section import Section


class Mesh(Section):
    """Our mailbox, and the practice's that reports of campaigns go to (docs/outside-record.md)."""

    url: str = Field(
        default="", description="Address of MESH, https://…; empty: no report is sent by it"
    )
    mailbox: str = Field(default="", description="Our mailbox")
    password: SecretStr = Field(default=SecretStr(""), description="Its password")
    password_file: str = Field(
        default="", description="A file with the password, for its owner alone, instead of it here"
    )
    shared_key: SecretStr = Field(
        default=SecretStr(""), description="The key that all mailboxes of this MESH share"
    )
    shared_key_file: str = Field(
        default="", description="A file with that key, for its owner alone, instead of it here"
    )
    to_mailbox: str = Field(default="", description="The practice's mailbox, which reports go to")
    workflow_id: str = Field(default="", description="The workflow id that was agreed with it")
    send_from: date | None = Field(
        default=None,
        description="Reports of campaigns that end on this day or later go by themselves, once no receipt is "
        "awaited any more. To be set with url",
    )
    certificate_file: str = Field(
        default="", description="Our certificate (PEM); empty: MESH asks for none"
    )
    key_file: str = Field(default="", description="Its private key (PEM), for its owner alone")
    authority_file: str = Field(
        default="",
        description="Who signs MESH's certificate (PEM); empty: as NHS England's client has it",
    )
    timeout_seconds: float = Field(default=60, gt=0, description="Longest wait for an answer")

    @model_validator(mode="after")
    def _can_be_used(self) -> Mesh:
        if not self.url:
            return self
        if not re.match(r"https://[^\s/]|http://(127\.0\.0\.1|localhost|\[::1\])(:|/|$)", self.url):
            raise ValueError("url: write MESH's address as https://…: reports have patients' data")
        needed = ("mailbox", "to_mailbox", "workflow_id", "send_from")
        missing = [name for name in needed if not getattr(self, name)]
        missing += [
            name
            for name in ("password", "shared_key")
            if not getattr(self, name).get_secret_value()
        ]
        if missing:
            raise ValueError(f"a report by MESH needs {' and '.join(missing)} too")
        return self
