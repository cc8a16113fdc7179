"""What somebody asks for when staff are to be told of an operation: the parameters of the flow."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from clinic.notify.recipients import Audience


class NoticeRequest(BaseModel):
    """Whom to tell of which operation. `template`: of `keep_text`; empty: the audience's usual text."""

    model_config = ConfigDict(extra="forbid")

    operation_id: int = Field(title="Operation", ge=1, description="Its number")
    audience: Audience = Field(title="Who", description="facility, provider, or internal")
    reason: SkipJsonSchema[str] = Field(
        default="",
        title="Reason",
        max_length=150,
        description="Why, for the approver. Kept on the record when it is asked for, and never in Prefect",
        exclude=True,
    )
    template: str = Field(default="", title="Text", description="Empty: the usual one")
    requested_by: str = Field(title="Requested by", min_length=1, description="An operator's name")
    request_key: str = Field(title="Request key", min_length=1, max_length=80)
