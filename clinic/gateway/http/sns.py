"""
AWS SNS: one Publish a message. Class B: its de-duplication is for FIFO topics, and a text has none.

It tells nobody but CloudWatch what became of a text: no receipts. Signatures by Amazon's own library
(botocore), requests by ours: its client would try again by itself, and publish twice.
Source: docs.aws.amazon.com/sns/latest/api, API_Publish and common errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

import defusedxml.ElementTree as ElementTree

from clinic.errors import SettingsWrong
from clinic.gateway.http.address import secure_url
from clinic.gateway.http.line import Line
from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import Reply, clean_ref
from clinic.gateway.http.rules import Rule, judge_by
from clinic.gateway.http.sender import HttpSender, one_each
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing, Taken
from clinic.gateway.tally import Tally
from clinic.settings.gateways.cloud import Sns

_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
RULES: Final = (
    Rule(400, "InvalidParameter", "rejected", "the number is none", "phonenumber", "invalid_number"),
    Rule(400, "InvalidParameter", "rejected", "the number is none", "e164", "invalid_number"),
    Rule(400, "InvalidParameter", "rejected", "the text is over 1,600 bytes", "1600", "too_long"),
    Rule(400, "InvalidParameter", "rejected", "this number said STOP to AWS", "opted out", "blacklisted"),
    Rule(400, "InvalidParameter", "rejected", "the text is over 1,600 bytes", "too long", "too_long"),
    Rule(400, "Throttling", "not sent", "too many requests", wait=2.0),
    Rule(400, "ThrottlingException", "not sent", "too many requests", wait=2.0),
    Rule(400, "ExpiredToken", "not sent", "the session token has ended", halt="gateway-credentials"),
    Rule(400, "RequestExpired", "not sent", "our clock is wrong", halt="gateway-clock"),
    Rule(400, "", "not sent", "it refuses our request as it is set", halt="gateway-refused"),
    Rule(403, "ExpiredToken", "not sent", "the session token has ended", halt="gateway-credentials"),
    Rule(403, "RequestTimeTooSkewed", "not sent", "our clock is wrong", halt="gateway-clock"),
    Rule(403, "SignatureDoesNotMatch", "not sent", "our clock is wrong", "expired", halt="gateway-clock"),
    Rule(403, "", "not sent", "it refuses our login", halt="gateway-credentials"),
    Rule(429, "", "not sent", "too many requests", wait=2.0),
)  # fmt: skip


class SnsGateway(HttpSender):
    """Texts."""

    def __init__(self, settings: Sns, opening: Opening) -> None:
        section = f"gateways.{opening.name}"
        super().__init__(
            settings,
            secure_url(settings.endpoint, f"{section}.url") / "",
            opening,
            gateway_class="B",
            headers={"Content-Type": _FORM},
        )
        self._own = settings
        try:
            from botocore.auth import SigV4Auth
            from botocore.credentials import Credentials
        except ImportError:
            raise SettingsWrong(
                "gateway-extra",
                f"{section} is of type sns, which needs Amazon's signatures: pip install 'cohort[sns]'",
            ) from None
        login = Credentials(
            settings.access_key,
            settings.secret_key.get_secret_value(),
            settings.session_token.get_secret_value() or None,
        )
        self._signer = SigV4Auth(login, "sns", settings.region)

    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """One message each."""
        del per_request  # 1
        for own_key, message in one_each(key, messages, only):
            form = {
                "Action": "Publish", "Version": "2010-03-31", "PhoneNumber": message.to,
                "Message": message.body, **self._attributes(),
            }  # fmt: skip
            references = {str(message.reference): message.reference}
            yield Part(own_key, urlencode(form).encode(), references)

    def _attributes(self) -> dict[str, str]:
        given = {
            "AWS.SNS.SMS.SMSType": self._own.sms_type,
            "AWS.SNS.SMS.SenderID": self._own.sender,
        }
        form: dict[str, str] = {}
        for number, (name, value) in enumerate(((n, v) for n, v in given.items() if v), start=1):
            entry = f"MessageAttributes.entry.{number}"
            form |= {
                f"{entry}.Name": name, f"{entry}.Value.DataType": "String", f"{entry}.Value.StringValue": value,
            }  # fmt: skip
        return form

    async def headers(self, line: Line, part: Part) -> Mapping[str, str]:
        """Amazon's signature of this very request."""
        del line
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("POST", str(self._url), {"Content-Type": _FORM}, part.body)
        self._signer.add_auth(request)
        return dict(request.headers.items())

    def judge(self, reply: Reply, part: Part, tally: Tally) -> None:
        """By RULES."""
        (reference,) = part.references.values()
        document = _xml(reply.body)
        if not 200 <= reply.status < 300:
            return judge_by(
                RULES, reply, (reference,), tally, code=_of(document, "Code"),
                says=_of(document, "Message"), now=self.clock.now,
            )  # fmt: skip
        given = clean_ref(_of(document, "MessageId"))
        if document is None or not document.tag.endswith("PublishResponse") or not given:
            return tally.blame("it answers 2xx, and not that it took this message")
        tally.note(reference, Taken(gateway_ref=given))


def _xml(body: bytes) -> Element | None:
    try:
        found: Element = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError):
        return None
    return found


def _of(document: Element | None, name: str) -> str:
    """The text of the first element of this name, whatever its namespace."""
    for element in () if document is None else document.iter():
        if element.tag.rpartition("}")[2] == name:
            return element.text or ""
    return ""
