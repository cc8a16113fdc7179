"""
Who listens when nobody sends: a session to each SMSC, bound to receive, for as long as the process lives.

Part of `cohort receipts serve`. A session that ends is bound again, after a while that grows; one that is
refused for good (a password, a certificate) is tried once a minute, and said each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from clinic.gateway.loop import LoopThread
from clinic.gateway.received import Keeper
from clinic.gateway.smpp.heed import Heeder
from clinic.gateway.smpp.link import Link, NoSession
from clinic.gateway.smpp.manner import where_of, zone_of
from clinic.settings import Settings
from clinic.settings.gateways.smpp import SmppGateway

_LASTING_SECONDS: Final = 10.0
_REFUSED_SECONDS: Final = 60.0

Tell = Callable[[str], None]


def listeners_of(settings: Settings) -> dict[str, SmppGateway]:
    """The gateways that are to be listened to, by name."""
    return {name: one for name, one in settings.gateways.items() if isinstance(one, SmppGateway)}


@contextlib.contextmanager
def listening(gateways: Mapping[str, SmppGateway], keeper: Keeper, tell: Tell) -> Iterator[None]:
    """
    Listen to these for the block.

    Args:
        tell: told when a session is bound, and why one cannot be

    Raises:
        SettingsWrong: there is no certificate in an `authority_file`
    """
    wheres = {name: where_of(one, None) for name, one in gateways.items()}
    thread = LoopThread("smpp-listen")
    links: list[Link] = []

    async def begin() -> list[asyncio.Task[None]]:
        for name, one in gateways.items():
            heed = Heeder(keeper, gateway=name, zone=zone_of(one))
            links.append(Link(wheres[name], "receiver", heed))
        each = zip(gateways, links, strict=True)
        return [asyncio.create_task(_listen(name, link, tell)) for name, link in each]

    async def end() -> None:
        for task in tasks:
            task.cancel()
        for link in links:
            await link.close()

    tasks = thread.run(begin())
    try:
        yield
    finally:
        thread.run(end())
        thread.close()


async def _listen(name: str, link: Link, tell: Tell) -> None:
    clock = asyncio.get_running_loop().time
    said = ""
    while True:
        try:
            session = await link.session(math.inf)
        except NoSession as error:
            if error.trouble != said or error.halt:
                tell(f"{name}: {error.trouble}")
            said = error.trouble
            if error.halt:
                await asyncio.sleep(_REFUSED_SECONDS)
            continue
        tell(f"{name}: bound, receipts and replies are taken")
        said, since = "", clock()
        await session.ended()
        if clock() - since > _LASTING_SECONDS:
            link.works()
