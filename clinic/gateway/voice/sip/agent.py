"""
The process that holds the calls of a trunk: `python -m clinic.gateway.voice.sip.agent`, begun by process.py.

    in    lines of JSON: first what it is set up with, then {"call": …}; {"kept": id} once a 9 is on disk
    out   {"at": "ready"}, and of each call: ringing, answered, key, end

Its standard input closes when the gateway's process ends, however it ends. Then it hangs up all calls: whoever
would press 9 now would not be heard. It writes nothing but this, and keeps no file.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

from clinic.gateway.voice.sip.talk import Sounds, Talk

_LONGEST_LINE: Final = 1 << 26  # ten minutes of sound
Tell = Callable[[dict[str, Any]], None]


class Agent:
    """The stack, and the calls that are under way."""

    def __init__(self, settings: dict[str, Any], tell: Tell) -> None:
        self._settings = settings
        self._tell = tell
        self._talks: dict[str, Talk] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._dialling = asyncio.Lock()
        self._by_handle: dict[int, Talk] = {}
        self._early: list[Any] = []  # what came of a call before it was known by its handle
        self._runtime: Any = None
        self._agent: Any = None

    async def start(self) -> None:
        """Bring the stack up; nothing is sent."""
        from baresip.config import Account, Config
        from baresip.runtime import Runtime
        from baresip.ua import UserAgent

        own = self._settings
        address = _own_address(own["host"], own["port"])
        self._runtime = Runtime()
        await self._runtime.start(
            Config(
                net_interface=address,
                max_concurrent_calls=own["most_calls"],
                native_log_level="error",
                extra_config_text=_directives(own, address),
            )
        )
        self._runtime.subscribe(self._on_event)
        account = Account(
            user=own["sender"],
            domain=own["domain"] or f"{own['host']}:{own['port']}",
            password=own["password"],
            auth_user=own["user"] or None,
            registrar=f"sip:{own['host']}:{own['port']};transport={own['transport']}",
            reg_interval=0,
            transport=own["transport"],
            extra_params=("mediaenc=srtp-mand",) if own["transport"] == "tls" else (),
        )
        self._agent = await UserAgent.create(self._runtime, account, transfer_policy="reject")
        self._agent.on_incoming(lambda call: self._keep(_reject(call)))

    def take(self, order: dict[str, Any]) -> None:
        """Do what the gateway asks for."""
        if "kept" in order:
            if (talk := self._talks.get(order["kept"])) is not None:
                talk.kept.set()
            return
        self._keep(self._call(order))

    async def _call(self, order: dict[str, Any]) -> None:
        own, name = self._settings, order["call"]
        to = f"sip:{order['to']}@{own['host']}:{own['port']};transport={own['transport']}"
        sounds = Sounds(*(base64.b64decode(each) for each in (*own["sounds"], order["text"])))
        async with self._dialling:
            self._early.clear()
            try:
                call = await self._agent.dial(to, headers={"X-Reference": order["reference"]})
            except Exception:  # whatever kept it from being dialled, no INVITE left
                self._tell({"id": name, "at": "end", "undialled": True})
                return
            talk = Talk(call, sounds, lambda said: self._tell({"id": name, **said}))
            self._talks[name] = self._by_handle[call.handle] = talk
            for event in self._early:
                if event.call == call.handle:
                    talk.take(event)
        try:
            await talk.run(ring_seconds=own["ring_seconds"], listen=own["detect_machines"])
        finally:
            del self._talks[name], self._by_handle[call.handle]

    def _on_event(self, event: Any) -> None:
        talk = self._by_handle.get(event.call)
        if talk is not None:
            talk.take(event)
        elif self._dialling.locked():
            self._early.append(event)

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Hang up all calls, and end the stack."""
        for talk in list(self._talks.values()):
            await talk.hang_up()
        if self._runtime is not None:
            await asyncio.sleep(0.2)  # for the BYEs to leave
            await self._runtime.close()


async def _reject(call: Any) -> None:
    """Nobody calls us here."""
    with contextlib.suppress(Exception):
        await call.reject()


def _own_address(host: str, port: int) -> str:
    """From which of our addresses the trunk is reached; nothing is sent for that."""
    family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.connect(where)
        return str(probe.getsockname()[0])


def _directives(own: dict[str, Any], address: str) -> str:
    """What the library has no field for: a free port, the system's resolver, and whose certificates count."""
    listens = f"[{address}]:0" if ":" in address else f"{address}:0"
    lines = [f"sip_listen {listens}", "dns_getaddrinfo yes", "sip_verify_server yes"]
    if own["authority_file"]:
        lines.append(f"sip_cafile {own['authority_file']}")
    return "".join(f"{line}\n" for line in lines)


async def _serve() -> None:
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the stack prints is not ours

    def tell(said: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(out, json.dumps(said).encode() + b"\n")

    orders = asyncio.StreamReader(limit=_LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    agent = Agent(json.loads(await orders.readline()), tell)
    try:
        await agent.start()
        tell({"at": "ready"})
        while line := await orders.readline():
            agent.take(json.loads(line))
    finally:
        await agent.close()


if __name__ == "__main__":
    asyncio.run(_serve())
