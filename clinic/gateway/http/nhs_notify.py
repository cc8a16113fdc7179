"""
NHS Notify: batches of messages through a routing plan, each with our reference.

De-duplication lives in the *batch's* key: a batch that comes again is refused as a duplicate, whole (class I),
and the same message in another batch is sent again. With `per_batch = 1` each message goes by itself, and its
reference is what is known (class R). One bad row refuses its whole batch: it is rejected, the others wait for
the next one. Source: NHSDigital/communications-manager-api, specification.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from clinic.gateway.http.access import Access
from clinic.gateway.http.address import secure_url
from clinic.gateway.http.line import Line
from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import Reply, clean_code, clean_ref, object_of
from clinic.gateway.http.rules import Rule, judge_by
from clinic.gateway.http.sender import HttpSender, LoginRefused
from clinic.gateway.look import Look
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing, Taken, Turned
from clinic.gateway.tally import Tally, clean
from clinic.settings.gateways.notify import NhsNotify

_JSON_API: Final = "application/vnd.api+json"
_ROW: Final = re.compile(r"/data/attributes/(?:messages/(\d+)/)?recipient(?:/|$)")
_SET_UP: Final = ("CM_CANNOT_SET_CONTACT_DETAILS", "CM_ODS_CODE_REQUIRED", "CM_CANNOT_SET_ODS_CODE")
RULES: Final = (
    Rule(400, "CM_CANNOT_SET_CONTACT_DETAILS", "not sent",
         "our account may not give numbers of its own: agree on it first", halt="gateway-refused"),
    Rule(400, "", "not sent", "plan, personalisation or originator are not as agreed", halt="gateway-refused"),
    Rule(404, "", "not sent", "it does not know the routing plan", halt="gateway-refused"),
    Rule(422, "CM_DUPLICATE_REQUEST", "taken", "it had this key or reference before"),
    Rule(422, "", "not sent", "it does not say that it had this before", halt="gateway-refused"),
    Rule(425, "", "ambiguous", "the same request is at work there: too early, wait", wait=300.0),
    Rule(429, "", "not sent", "too many requests", wait=5.0),
    Rule(403, "", "not sent", "our application may not use it", halt="gateway-credentials"),
)  # fmt: skip


class NhsNotifyGateway(HttpSender):
    """Texts or e-mails, as its channel is."""

    def __init__(self, settings: NhsNotify, opening: Opening) -> None:
        section = f"gateways.{opening.name}"
        base = secure_url(settings.url, f"{section}.url")
        gateway_class, hours = settings.promise
        self._alone = settings.per_batch == 1
        super().__init__(
            settings,
            base / "v1" / ("messages" if self._alone else "message-batches"),
            opening,
            gateway_class=gateway_class,
            window=None if hours is None else timedelta(hours=hours),
            per_request=settings.per_batch,
            headers={"Content-Type": _JSON_API, "Accept": _JSON_API},
            exchanges=2,  # an access token, and the request
        )
        self.wants_nhs_number = settings.recipients != "contact_details"
        self._own, self._sms = settings, opening.channel == "sms"
        self._plan = settings.sms_plan if self._sms else settings.email_plan
        self._used: dict[str, str] = {}  # by request, the access token that it carried
        self._access = self._access_of(settings, base, section) if settings.key_file else None

    def _access_of(self, own: NhsNotify, base: URL, section: str) -> Access:
        given = f"{section}.token_url"
        url = secure_url(own.token_url, given) if own.token_url else base.with_path("/oauth2/token")
        return Access(
            url, client=own.api_key.get_secret_value(), key_file=own.key_file, key_id=own.key_id,
            clock=self.clock, section=section,
        )  # fmt: skip

    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """`per_request` messages each; part `i` has a UUID made of `{key}/{i}`."""
        for number, start in enumerate(range(0, len(messages), per_request)):
            members = messages[start : start + per_request]
            references = {str(m.reference): m.reference for m in members}
            if only.isdisjoint(references.values()):
                continue
            own_key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/{number}"))
            rows = [self._row(one) for one in members]
            batch = {"messageBatchReference": own_key, "messages": rows}
            attributes = {"routingPlanId": self._plan, **(rows[0] if self._alone else batch)}
            kind = "Message" if self._alone else "MessageBatch"
            body = orjson.dumps({"data": {"type": kind, "attributes": attributes}})
            yield Part(own_key, body, references, {"X-Correlation-Id": own_key})

    def _row(self, message: Outgoing) -> dict[str, Any]:
        own, recipient = self._own, dict[str, Any]()
        if self.wants_nhs_number and message.nhs_number:
            recipient["nhsNumber"] = message.nhs_number
        if own.recipients != "nhs_number":
            recipient["contactDetails"] = {"sms" if self._sms else "email": message.to}
        said = {own.sms_field if self._sms else own.email_field: message.body}
        if not self._sms:
            said[own.subject_field] = message.subject or ""
        return {
            "messageReference": str(message.reference),
            "recipient": recipient,
            **({"originator": {"odsCode": own.ods_code}} if own.ods_code else {}),
            "personalisation": said,
        }

    async def headers(self, line: Line, part: Part) -> Mapping[str, str]:
        """The access token, where one is needed."""
        if self._access is None:
            return part.headers
        token = self._used[part.key] = await self._access.token(line)
        return {**part.headers, "Authorization": f"Bearer {token}"}

    def look(self) -> list[Look]:
        """Whether it gives us an access token."""
        if self._access is None:
            says = "its login: without key_file there is none, which its sandbox alone takes"
            return [Look(None if "sandbox" in str(self._url) else False, says)]
        line = self.line()
        try:
            line.thread.run(self._access.token(line))
        except LoginRefused as refused:
            return [Look(False, refused.says)]
        except (aiohttp.ClientError, TimeoutError, OSError):
            says = f"it gives no access token: it does not answer ({self.section}.token_url)"
            return [Look(False, says)]
        return [Look(True, "it gives us an access token")]

    def judge(self, reply: Reply, part: Part, tally: Tally) -> None:
        """By RULES; a refused batch by the rows that it names."""
        document, token = object_of(reply.body), self._used.pop(part.key, None)
        if 200 <= reply.status < 300:
            if self._access is not None:
                self._access.is_good(token)
            return self._read(document, part, tally)
        if reply.status == 401 and self._access is not None and self._access.ran_out(token):
            # Good a moment ago: it ran out, or was taken back. The next request asks for another one
            tally.not_sent(part.references.values())
            tally.blame("the access token ran out")
            return tally.stop(retry_after=1.0)
        errors = _errors(document)
        code = next((str(e.get("code")) for e in errors if e.get("code")), "")
        if reply.status == 400 and self._reject_rows(errors, part, tally):
            return None
        return judge_by(
            RULES, reply, part.references.values(), tally, code=code,
            says=str(errors[0].get("detail") or "") if errors else "", now=self.clock.now,
        )  # fmt: skip

    def _read(self, document: Mapping[str, Any], part: Part, tally: Tally) -> None:
        data = document.get("data")
        data = data if isinstance(data, dict) else {}
        attributes = data.get("attributes")
        attributes = attributes if isinstance(attributes, dict) else {}
        named = attributes.get("messageReference" if self._alone else "messageBatchReference")
        given = clean_ref(data.get("id"))
        if str(named) not in ({*part.references} if self._alone else {part.key}) or not given:
            return tally.blame("it answers 2xx, and not that it took this request")
        for reference in part.references.values():
            tally.note(reference, Taken(gateway_ref=given))

    def _reject_rows(self, errors: Sequence[Mapping[str, Any]], part: Part, tally: Tally) -> bool:
        """Whether it was recipients alone that it refused: they are rejected, the rest was not sent."""
        references, turned = list(part.references.values()), dict[int, Turned]()
        for error in errors:
            source, code = error.get("source"), str(error.get("code") or "")
            pointer = str(source.get("pointer") or "") if isinstance(source, dict) else ""
            row = _ROW.match(pointer)
            index = int(row[1] or 0) if row else len(references)
            if code in _SET_UP or index >= len(references):
                return False
            says = f"{error.get('title') or ''}: {pointer.rpartition('/')[2]}"
            turned[references[index]] = Turned(clean_code(code.removeprefix("CM_")), clean(says))
        for reference, result in turned.items():
            tally.note(reference, result)
        rest = set(references) - turned.keys()
        tally.not_sent(rest)
        if turned:
            tally.unlisted(rest)  # of a second try: the same bytes would be refused for ever
        return bool(turned)


def _errors(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    errors = document.get("errors")
    return [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
