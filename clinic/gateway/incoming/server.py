"""
Takes what a gateway pushes: receipts and replies, and unsubscribe requests from e-mails (docs/gateways.md).

    POST /receipts, /replies       signed; 200 once it is on disk; what comes again is 200 and nothing
    POST /gateways/NAME/…          of a gateway by name, with its own proof (callbacks.py)
    POST /unsubscribe/{token}      RFC 8058, one click; GET shows a page with a button and changes nothing

Requests that come together share one commit, so that a thousand a second need no thousand commits.
What is done about the contents is the caller's business (`Keeper`): here is no rule about messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import web

from clinic.clock import Clock
from clinic.gateway.grouped import Grouped
from clinic.gateway.incoming.callbacks import Call, Callbacks
from clinic.gateway.incoming.parse import Incoming, read_incoming, unread_body
from clinic.gateway.incoming.signature import is_signed, read_token
from clinic.gateway.received import Inbound, Keeper, Receipt, Unread

LARGEST_BODY: Final = 64 * 1024
_SAFE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
}
_PAGE: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
    'content="width=device-width"><title>{title}</title><h1>{title}</h1>{rest}'
)
_ASK: Final = _PAGE.format(
    title="Stop these e-mails?",
    rest="<form method=post><button>Yes, stop them</button></form>",
)
_DONE: Final = _PAGE.format(
    title="Done", rest="<p>You will get no more e-mails of this kind from the practice.</p>"
)


class ReceiptServer:
    """
    The application.

    Args:
        key: of what is signed by our own contract, and of links; None: such are refused
        gateway: under whose name what comes so is kept
        callbacks: of gateways by name
    """

    def __init__(
        self,
        keeper: Keeper,
        clock: Clock,
        *,
        key: bytes | None,
        gateway: str,
        callbacks: Mapping[str, Callbacks] = MappingProxyType({}),
    ) -> None:
        self._keeper = keeper
        self._clock = clock
        self._key = key
        self._gateway = gateway
        self._callbacks = callbacks
        self._receipts: Grouped[Receipt] = Grouped(keeper.keep_receipts)
        self._replies: Grouped[Inbound] = Grouped(keeper.keep_replies)
        self._unread: Grouped[Unread] = Grouped(keeper.keep_unread)

    def app(self) -> web.Application:
        """The routes; run it with `serve` or in a test's own server."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_without_traces])
        app.add_routes(
            [
                web.post("/receipts", self._take),
                web.post("/replies", self._take),
                web.post("/gateways/{name}/{what:receipts|replies}", self._called),
                web.post("/gateways/{name}/receipts/{reference}", self._called),
                web.get("/unsubscribe/{token}", self._ask),
                web.post("/unsubscribe/{token}", self._unsubscribe),
                web.get("/health", _health),
            ]
        )
        app.on_response_prepare.append(_without_software)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()  # 413 if it is larger than allowed
        header = request.headers.get
        signature = header("X-Cohort-Signature", "")
        timestamp = header("X-Cohort-Timestamp", "")
        if self._key is None or not is_signed(
            self._key, timestamp, signature, body, now=self._clock.now()
        ):
            return _problem(401, "signature")
        try:
            found = read_incoming(body, gateway=self._gateway)
        except ValueError:
            await self._unread.add([unread_body(body, gateway=self._gateway)] if body else [])
            return _problem(400, "body")
        return await self._keep(found)

    async def _keep(self, found: Incoming, status: int = 200) -> web.Response:
        await asyncio.gather(
            self._receipts.add(found.receipts),
            self._replies.add(found.replies),
            self._unread.add(found.unread),
        )
        taken = len(found.receipts) + len(found.replies)
        return web.json_response({"taken": taken, "skipped": len(found.unread)}, status=status)

    async def _called(self, request: web.Request) -> web.Response:
        """A provider's own callback: its proof first, and not a word of it before."""
        body = await request.read()
        own = self._callbacks.get(request.match_info["name"])
        if own is None:
            return _problem(404, "gateway")
        url = own.base + request.raw_path
        call = Call(request.headers, body, url, request.match_info.get("reference", ""))
        if refusal := own.prove(call):
            return _problem(refusal, "proof")
        kept = await self._keep(own.incoming(call), own.status)
        if said := own.answer(call):
            return web.Response(text=said, content_type="text/xml", headers=_SAFE)
        return kept

    async def _ask(self, request: web.Request) -> web.Response:
        """A page with a button: scanners and previewers open links, and must not decide for anybody."""
        del request  # right or wrong, the page is the same: there is nothing to learn from it
        return web.Response(text=_ASK, content_type="text/html", headers=_SAFE)

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        reference = None if self._key is None else read_token(self._key, token)
        if reference is None:
            return _problem(404, "link")
        await asyncio.to_thread(self._keeper.unsubscribe, reference)
        return web.Response(text=_DONE, content_type="text/html", headers=_SAFE)


async def _without_software(request: web.Request, response: web.StreamResponse) -> None:
    """Which server and version this is, is nobody's business."""
    del request
    response.headers.pop("Server", None)


def _problem(status: int, code: str) -> web.Response:
    return web.json_response({"error": code}, status=status, headers=_SAFE)


async def _health(request: web.Request) -> web.Response:
    del request
    return web.Response(text="ok")


@web.middleware
async def _without_traces(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whatever goes wrong here is told by a status alone: bodies and links hold patients' data."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _problem(error.status, "request")
    except Exception:  # the gateway sends it again
        return _problem(503, "later")


def serve(server: ReceiptServer, *, host: str, port: int) -> None:
    """Run until the process is told to end. No access log: a link's token would stand in it."""
    web.run_app(server.app(), host=host, port=port, access_log=None, print=lambda *_: None)
