"""
GOV.UK Notify: one request a message, through a template of its service whose content is ours whole.

Class B: it keeps our reference and does not look whether it had it before. Its answer repeats the text, so that
a template that adds to it is seen with the first message. Source: docs.notifications.service.gov.uk, REST API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import aiohttp
import jwt
import orjson
from yarl import URL

from clinic.errors import SettingsWrong
from clinic.gateway.http.address import secure_url
from clinic.gateway.http.line import Line
from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import Reply, clean_ref, object_of
from clinic.gateway.http.rules import Rule, judge_by, stop_if_rewritten
from clinic.gateway.http.sender import HttpSender, one_each
from clinic.gateway.look import Look
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing, Taken
from clinic.gateway.tally import Tally, clean
from clinic.settings.gateways.notify import GovukNotify

_HOUR: Final = 3600.0
RULES: Final = (
    Rule(400, "ValidationError", "rejected", "the number is none", "phone_number", "invalid_number"),
    Rule(400, "ValidationError", "rejected", "the address is none", "email_address", "invalid_number"),
    Rule(400, "BadRequestError", "rejected", "it does not send to this country", "international",
         "routing_unavailable"),
    Rule(400, "BadRequestError", "rejected", "the text is too long for it", "character count", "too_long"),
    Rule(400, "BadRequestError", "not sent", "the key is a team key", "team-only", halt="gateway-credentials"),
    Rule(400, "BadRequestError", "not sent", "the service is in trial mode", "trial mode",
         halt="gateway-refused"),
    Rule(400, "", "not sent", "template, placeholders or sender are not as set", halt="gateway-refused"),
    Rule(403, "AuthError", "not sent", "our clock is wrong: it must be right to 30 seconds", "system clock",
         halt="gateway-clock"),
    Rule(403, "", "not sent", "it does not know the API key", halt="gateway-credentials"),
    Rule(429, "TooManyRequestsError", "not sent", "the day's messages are used up, until midnight", wait=_HOUR),
    Rule(429, "", "not sent", "over 3,000 messages in a minute", wait=5.0),
    Rule(500, "", "ambiguous", "it has an internal error"),
)  # fmt: skip


class GovukNotifyGateway(HttpSender):
    """Texts or e-mails, as its channel is."""

    def __init__(self, settings: GovukNotify, opening: Opening) -> None:
        section = f"gateways.{opening.name}"
        sms = opening.channel == "sms"
        self._template = settings.sms_template if sms else settings.email_template
        if not self._template:
            raise SettingsWrong(
                "gateway-template",
                f"{section}.{opening.channel}_template is not set: the id of its template with ((body)) "
                "alone; docs/gateways.md shows how to make one",
            )
        super().__init__(
            settings,
            secure_url(settings.url, f"{section}.url") / "v2" / "notifications" / opening.channel,
            opening,
            gateway_class="B",
        )
        key = settings.api_key.get_secret_value()
        self._issuer, self._secret = key[-73:-37], key[-36:]
        self._own, self._sms, self._unsubscribe = settings, sms, opening.unsubscribe_url
        self._login = (0, "")

    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """One message each."""
        del per_request  # 1
        for own_key, message in one_each(key, messages, only):
            body = orjson.dumps(self._body(message))
            yield Part(
                own_key, body, {str(message.reference): message.reference}, said=message.body
            )

    def _body(self, message: Outgoing) -> dict[str, Any]:
        own = self._own
        body: dict[str, Any] = {
            "template_id": self._template,
            "reference": str(message.reference),
            "personalisation": {"body": message.body},
        }
        if self._sms:
            return body | {
                "phone_number": message.to,
                **({"sms_sender_id": own.sms_sender_id} if own.sms_sender_id else {}),
            }
        body["personalisation"]["subject"] = message.subject or ""
        if self._unsubscribe is not None:
            body["one_click_unsubscribe_url"] = self._unsubscribe(message.reference)
        reply_to = {"email_reply_to_id": own.email_reply_to_id} if own.email_reply_to_id else {}
        return body | {"email_address": message.to, **reply_to}

    async def headers(self, line: Line, part: Part) -> Mapping[str, str]:
        """A token that it takes for 30 seconds, made again every ten."""
        del line, part
        return {"Authorization": f"Bearer {self.token()}"}

    def token(self) -> str:
        """The login of a request."""
        now = int(self.clock.now().timestamp())
        if not self._login[0] <= now < self._login[0] + 10:
            claims = {"iss": self._issuer, "iat": now}
            self._login = (now, jwt.encode(claims, self._secret, algorithm="HS256"))
        return self._login[1]

    def look(self) -> list[Look]:
        """Whether it knows the key, and whether the template is ours and nothing else."""
        url = URL(self._own.url.rstrip("/")) / "v2" / "template" / self._template
        try:
            reply = self.ask(url, {"Authorization": f"Bearer {self.token()}"})
        except (aiohttp.ClientError, TimeoutError, OSError):
            return [Look(False, "it does not answer")]
        document = object_of(reply.body)
        if reply.status != 200:
            return [
                Look(
                    False,
                    f"it answers {reply.status} for the template: {clean(_error(document)[1])}",
                )
            ]
        said = str(document.get("body") or "").strip()
        kind = "a live, team or test key: only its page says which"
        if said != "((body))":
            says = f"the template says more than ((body)): {clean(said, limit=80)!r}"
            return [Look(True, f"it knows our key ({kind})"), Look(False, says)]
        return [Look(True, f"it knows our key ({kind}), and the template is ((body)) alone")]

    def judge(self, reply: Reply, part: Part, tally: Tally) -> None:
        """By RULES; what it took is compared with what we sent."""
        (reference,) = part.references.values()
        document = object_of(reply.body)
        if not 200 <= reply.status < 300:
            code, says = _error(document)
            return judge_by(
                RULES, reply, (reference,), tally, code=code, says=says, now=self.clock.now
            )
        given = clean_ref(document.get("id"))
        if reply.status != 201 or not given or str(document.get("reference")) != str(reference):
            return tally.blame("it answers 2xx, and not that it took this message")
        tally.note(reference, Taken(gateway_ref=given))
        content = document.get("content")
        said = content.get("body") if isinstance(content, dict) else None
        stop_if_rewritten(said, part, tally)


def _error(document: Mapping[str, Any]) -> tuple[str, str]:
    """The type of its error, which does not change, and its sentence, which may."""
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("error") or ""), str(first.get("message") or "")
