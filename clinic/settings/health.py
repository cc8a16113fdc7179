"""When `cohort health` raises."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, field_validator

from clinic.settings.section import Section


class Health(Section):
    """What `cohort health` and /metrics call an error (docs/running.md)."""

    tell: tuple[str, ...] = Field(
        default=(),
        description="E-mail addresses that are written to when something is wrong, and when it is over; "
        "empty: those of notices.internal. Through email.host",
    )
    webhook: SecretStr = Field(
        default=SecretStr(""),
        description='Where Prefect posts {"text": …} when a run fails, crashes or is late, a campaign '
        "halts, an approval waits, or `cohort health` finds something: a chat's, for example. In force after "
        "`cohort server start`",
    )
    watch: bool = Field(
        default=True,
        description="`cohort server start` starts a process that looks every minute, and writes to them",
    )
    host: str = Field(default="127.0.0.1", description="Address that `cohort health serve` is on")
    port: int = Field(default=8445, ge=0, le=65535, description="Its port")
    poll_seconds: float = Field(
        default=180, gt=0, description="No worker has polled for so long: it is gone"
    )
    receipt_hours: float = Field(
        default=6,
        gt=0,
        description="Messages wait for their receipts, and none came for so long: they have stopped",
    )
    disk_free: float = Field(
        default=0.1, ge=0, le=1, description="A disk with a smaller share free is nearly full"
    )
    clock_seconds: float = Field(
        default=60, gt=0, description="The clock may differ from others' by so much"
    )
    certificate_days: float = Field(
        default=21, ge=0, description="A gateway's certificate that expires sooner is reported"
    )
    backup_hours: float = Field(
        default=48,
        ge=0,
        description="The last `cohort backup` may be so old; 0: copies are made in another way",
    )
    reminder_minutes: float = Field(
        default=15, gt=0, description="Reminders that begin later than this did not run"
    )

    @field_validator("webhook")
    @classmethod
    def _an_address(cls, given: SecretStr) -> SecretStr:
        if given.get_secret_value() and not re.match(r"https?://\S+$", given.get_secret_value()):
            raise ValueError("write it as https://HOST/PATH, or leave it empty")
        return given
