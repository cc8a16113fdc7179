"""`type = "json"`: any provider that takes JSON, described by settings alone."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from clinic.settings.gateways.named import CallsBack, Promise
from clinic.settings.gateways.parts import HeaderSecret, WebAddress

# What a body may name; anything else in braces is an error
PLACES: Final = ("to", "to_digits", "body", "subject", "reference", "key", "sender")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
# Said by each request itself: whom it goes to, and how long it is
_OWN_HEADERS: Final = ("host", "content-length", "transfer-encoding", "connection")
# Of the request or the login, and of no one message; or passing
_NO_REFUSAL: Final = (401, 402, 403, 407, 408, 409, 425, 429)
_PATH: Final = re.compile(r"[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*")


class JsonGateway(CallsBack):
    """
    Any provider that takes a message as JSON and answers with JSON: no code, one request a message.
    """

    serves: ClassVar[frozenset[str]] = frozenset({"sms", "email"})

    type: Literal["json"]
    token: HeaderSecret = Field(
        default=SecretStr(""), description="Our login, sent as token_header says"
    )
    token_file: str = Field(
        default="", description="A file with the token, for its owner alone, instead of it here"
    )
    token_header: str = Field(
        default="Authorization: Bearer {token}",
        description='The header that carries the token, such as "X-Api-Key: {token}"',
    )
    headers: dict[str, str] = Field(
        default={},
        description='Other headers: { "Idempotency-Key" = "{key}" }; no secret: that is what token is for',
    )  # fmt: skip
    body: dict[str, Any] = Field(
        default={},
        description="The request as a table of TOML. In its texts: {to} (+44…), {to_digits} (44…), {body}, "
        "{subject}, {reference} (ours), {key} (the same in a second try), {sender}",
    )  # fmt: skip
    sender: str = Field(default="", description="What {sender} stands for")
    gateway_class: Literal["I", "R", "B"] = Field(
        description="What the provider promises (docs/gateways.md#gateway-classes); when in doubt, B"
    )
    window_hours: float = Field(
        default=24, gt=0, description="How long it remembers a key or reference"
    )
    id_at: str = Field(
        default="",
        description='Where its id of the message stands in the answer: "messages.0.id"; empty: it gives none, '
        "and status_at is needed",
    )
    status_at: str = Field(
        default="",
        description='Where in the answer it says what it did: "messages.0.status"; empty: an id at id_at says '
        "that it took the message",
    )  # fmt: skip
    accepted: tuple[str, ...] = Field(
        default=(), description="Words at status_at by which it says that it took the message"
    )
    duplicate: tuple[str, ...] = Field(
        default=(), description="The same for: taken before, and not again now (class R)"
    )
    rejected: tuple[str, ...] = Field(
        default=(), description="The same for: it will never take this message"
    )
    error_at: str = Field(default="", description='Where its error code stands: "error.code"')
    error_text_at: str = Field(
        default="", description='Where its error text stands: "error.message"'
    )
    reject_statuses: tuple[int, ...] = Field(
        default=(),
        description="HTTP statuses that say that this one message will never be taken, such as 400 or 422 "
        "where it means nothing else; every other 4xx halts the campaign",
    )  # fmt: skip
    reject_codes: tuple[str, ...] = Field(
        default=(),
        description="With reject_statuses: only with one of these at error_at; empty: always",
    )
    balance_url: WebAddress = Field(
        default="", description="Where it tells what is left of the credit, by GET; empty: nowhere"
    )
    balance_at: str = Field(
        default="balance", description="Where in that answer the balance stands"
    )
    balance_unit: str = Field(
        default="",
        pattern="^(segments|[A-Z]{3})?$",
        description="What it is counted in: segments, or a currency by three letters (ISO 4217), GBP; empty: "
        "it is shown, and no campaign is held against it",
    )
    busy_is_refusal: bool = Field(
        default=False, description="It promises that after 503 it has taken nothing"
    )
    callback_proof: str = Field(
        default="Authorization: Bearer {secret}",
        description='The header that carries the proof: "X-Api-Key: {secret}"; or a signature of the body '
        'under the secret: "X-Signature: {hmac_sha256}" (hexadecimal)',
    )  # fmt: skip
    receipts_at: str = Field(
        default="", description="Where a callback has its list of receipts; empty: it is one"
    )
    receipt_reference_at: str = Field(
        default="reference", description="Where a receipt has our reference"
    )
    receipt_status_at: str = Field(default="status", description="Where it has its status")
    receipt_id_at: str = Field(
        default="id", description="Where it has an id of the event, or of the message"
    )
    receipt_error_at: str = Field(default="code", description="Where it has its error code")
    receipt_words: dict[str, str] = Field(
        default={},
        description='Its own words for a status, and those of docs/gateways.md: { "OK" = "delivered" }',
    )  # fmt: skip

    @field_validator("token_header")
    @classmethod
    def _a_login(cls, text: str) -> str:
        return _header(text, "token")

    @field_validator("callback_proof")
    @classmethod
    def _a_proof(cls, text: str) -> str:
        return _header(text, "secret", "hmac_sha256")

    @field_validator(
        "balance_at", "id_at", "status_at", "error_at", "error_text_at", "receipts_at", "receipt_reference_at",
        "receipt_status_at", "receipt_id_at", "receipt_error_at",
    )  # fmt: skip
    @classmethod
    def _a_path(cls, path: str) -> str:
        if path and not _PATH.fullmatch(path):
            raise ValueError("write a place as names and numbers with dots between: messages.0.id")
        return path

    @field_validator("headers")
    @classmethod
    def _headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, text in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or re.search(r"[\x00-\x1f\x7f]", text):
                raise ValueError(
                    "write a header's name in letters, digits and -, and its value on one line"
                )
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name} is what each request says by itself: leave it out")
        return headers

    @field_validator("sender")
    @classmethod
    def _on_one_line(cls, sender: str) -> str:
        if not sender.isprintable():
            raise ValueError("write it on one line, without control characters")
        return sender

    @field_validator("reject_statuses")
    @classmethod
    def _refusals(cls, statuses: tuple[int, ...]) -> tuple[int, ...]:
        if wrong := [one for one in statuses if not 400 <= one < 500 or one in _NO_REFUSAL]:
            raise ValueError(
                f"{wrong[0]} says nothing of one message: a wrong login, a full queue or an error of theirs "
                "would reject everybody. Write 400, 404, 410 or 422, where they mean this message"
            )
        return statuses

    @field_validator("accepted", "duplicate", "rejected")
    @classmethod
    def _words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if any(not word.strip() for word in words):
            raise ValueError(
                "write each word as it stands in the answer; an empty one is in every page"
            )
        return words

    @model_validator(mode="after")
    def _makes_sense(self) -> JsonGateway:
        if not self.url:
            raise ValueError("a gateway of type json needs url")
        texts = [*_texts(self.body), *self.headers.values()]
        named = {name for text in texts for name in _BRACES.findall(text)}
        if wrong := sorted(named - set(PLACES)):
            raise ValueError(
                f"{{{wrong[0]}}} is not known: use {', '.join(f'{{{p}}}' for p in PLACES)}"
            )
        login = self.token_header.partition(":")[0].lower()
        if self.token.get_secret_value() and login in map(str.lower, self.headers):
            raise ValueError(
                "headers has the header of token_header, too: one of them would be lost"
            )
        carried = {name for text in self.headers.values() for name in _BRACES.findall(text)}
        if carried - {"key", "reference", "sender"}:
            raise ValueError("a header may name {key}, {reference} and {sender} alone")
        if not {"to", "to_digits"} & named or "body" not in named:
            raise ValueError("body must name {to} or {to_digits}, and {body}")
        if self.gateway_class == "I" and "key" not in named:
            raise ValueError(
                "class I needs {key} in a header or the body: it is what a second try repeats"
            )
        if self.gateway_class == "R" and "reference" not in named:
            raise ValueError("class R needs {reference} in the body or a header")
        if not (self.id_at or self.status_at):
            raise ValueError(
                "set id_at, status_at or both: by them it says that it took a message; a page that anybody "
                "answers with 200 does not"
            )
        if self.status_at and not self.accepted:
            raise ValueError(
                "status_at needs accepted: the words by which it says that it took one"
            )
        return self

    @property
    def promise(self) -> Promise:
        """As it is set."""
        return self.gateway_class, self.window_hours

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """Its sender, and headers and body: an account stands there, and a second try is the same request."""
        request = json.dumps([self.headers, self.body], sort_keys=True, default=str)
        return self.sender, request


def _header(text: str, *names: str) -> str:
    """A header with one of these: another word in braces would be sent, or believed, as it is."""
    found = _BRACES.findall(text)
    if (
        not re.fullmatch(r"[A-Za-z0-9\-]+: ?[^\r\n]+", text)
        or len(found) != 1
        or found[0] not in names
    ):
        places = " or ".join(f"{{{name}}}" for name in names)
        raise ValueError(f'write a header as "Name: value", with {places} in it once, and no other')
    return text


def _texts(value: Any) -> list[str]:
    """Every text in a table, at any depth."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return []
