"""
A request as a form: what is rarely needed stands in one group, with defaults, after what everybody fills in.

    {"cohort": {"group": "flu-65"}, "template": "flu-invite", "more": {"per_hour": 200}}

The program gives the fields of the group beside the others; a server takes them in the group alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import BaseModel, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

MORE: Final = "more"


class Form(BaseModel):
    """A request with such a group. `RARE`: the fields in it, in their order."""

    RARE: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _without_group(cls, given: Any) -> Any:
        more = given.get(MORE) if isinstance(given, Mapping) else None
        if not isinstance(more, Mapping):
            return given
        rest = {name: value for name, value in given.items() if name != MORE}
        if more.keys() & rest.keys():
            raise PydanticCustomError(
                "given_twice", "a field is given both in More options and beside it: leave one out"
            )
        return {**rest, **more}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        own = schema["properties"]
        own[MORE] = {
            "title": "More options",
            "description": "Rarely needed; each has a default, so that all of it may stay as it is",
            "type": "object",
            "properties": {name: own.pop(name) for name in cls.RARE if name in own},
            "additionalProperties": False,
            "default": {},
        }
        return schema

    def as_parameter(self) -> dict[str, Any]:
        """
        As a run is given it: without what is usual anyway.

        The form on a server may be of another version than this code, with fields that one of the two does
        not know: a campaign that waits is not held up by those.
        """
        given = self.model_dump(mode="json", exclude_defaults=True)
        more = {name: given.pop(name) for name in self.RARE if name in given}
        return {**given, MORE: more} if more else given
