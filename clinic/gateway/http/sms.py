"""The HTTP gateway for texts of `[sms]`: JSON of our own contract (docs/gateways.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from clinic.gateway.http.address import secure_url
from clinic.gateway.http.part import Part, cut
from clinic.gateway.http.reply import Reply, judge
from clinic.gateway.http.sender import HttpSender
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing
from clinic.gateway.tally import Tally
from clinic.settings import SmsGateway
from clinic.settings.gateways import HTTP_SMS

_ALONE: Final = Opening(name=HTTP_SMS, channel="sms")


class HttpSms(HttpSender):
    """Sends texts to an HTTP provider. Any number of threads may call `send` at once."""

    name = HTTP_SMS

    def __init__(self, settings: SmsGateway, opening: Opening = _ALONE) -> None:
        """
        Connects at the first `send`.

        Raises:
            SettingsWrong: the address is no address, or would carry patients' data in clear
        """
        super().__init__(
            settings,
            secure_url(settings.url, "sms.url") / "messages",
            opening,
            gateway_class=settings.gateway_class,
            window=timedelta(hours=settings.window_hours),
            per_request=settings.per_request,
            headers={"Authorization": f"Bearer {settings.token.get_secret_value()}"},
        )
        self._busy_is_refusal = settings.busy_is_refusal

    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """`per_request` messages each."""
        return cut(key, messages, per_request=per_request, only=only)

    def judge(self, reply: Reply, part: Part, tally: Tally) -> None:
        """By the table of docs/gateways.md."""
        judge(reply, part, tally, now=self.clock.now, busy_is_refusal=self._busy_is_refusal)
