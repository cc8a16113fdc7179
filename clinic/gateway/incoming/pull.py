"""
Fetches receipts and replies that a gateway keeps for us: `GET {sms.url}/receipts?after=cursor`.

For providers that do not push, and for what was pushed while nobody listened. A page at a time; nothing
is lost by a page that is fetched twice, since an event that comes again is kept once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from clinic.errors import GatewayBusy, GatewayRefused
from clinic.gateway.http.line import CONNECT_SECONDS, proxy_of
from clinic.gateway.incoming.parse import Incoming, read_incoming
from clinic.settings import SmsGateway

_LARGEST_PAGE: Final = 10_000_000


def fetch_page(settings: SmsGateway, after: str | None, *, gateway: str) -> Incoming:
    """
    The page after a cursor; its `next` is None, or the same as `after`, when there is no more.

    Raises:
        GatewayBusy: it did not answer, or not now
        GatewayRefused: it will not give us any, or what it gave is no page
    """
    try:
        status, body = get_page(settings, "receipts", {"after": after or ""})
    except (aiohttp.ClientError, TimeoutError, OSError):
        raise GatewayBusy(
            "receipts-unreachable", "the gateway's receipts cannot be fetched"
        ) from None
    if status in (425, 429) or status >= 500:
        raise GatewayBusy("receipts-unreachable", f"the gateway answered {status} for its receipts")
    if not 200 <= status < 300:
        raise GatewayRefused(
            "receipts-refused",
            f"the gateway answered {status} for its receipts; check sms.url and sms.token, or set "
            "receipts.pull to false",
        )
    try:
        return read_incoming(body, gateway=gateway)
    except ValueError:
        raise GatewayRefused(
            "receipts-refused", "what the gateway gave for its receipts is no page of them"
        ) from None


def get_page(settings: SmsGateway, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
    """
    What the gateway answers to a GET of this path below sms.url: status and body.

    Raises:
        aiohttp.ClientError, TimeoutError, OSError: it did not
    """
    return asyncio.run(_get(settings, path, query))


async def _get(settings: SmsGateway, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
    url = URL(f"{settings.url.rstrip('/')}/{path}").update_query(query)
    limit = aiohttp.ClientTimeout(total=settings.timeout_seconds, connect=CONNECT_SECONDS)
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    async with (
        aiohttp.ClientSession(timeout=limit, headers=headers) as session,
        session.get(url, allow_redirects=False, proxy=proxy_of(settings)) as response,
    ):
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > _LARGEST_PAGE:
                raise aiohttp.ClientPayloadError("page too long")
        return response.status, bytes(body)
