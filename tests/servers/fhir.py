"""A real FHIR R4 server of its own process, and a proxy before it that cuts, refuses and delays by plan."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import socketserver
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.ports import free_port
from tests.servers.scripted import Scripted, read_request, running

_STARTS = 240.0  # on a machine that is busy with other work


@dataclass
class FhirServer:
    """sekmet-fhir: keeps what it is told in SQLite, and counts it by itself."""

    port: int
    process: subprocess.Popen[bytes] | None = None
    folder: Path = Path()
    auth: dict[str, Any] = field(
        default_factory=dict
    )  # its settings of who may ask; nothing: everybody

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    def start(self) -> None:
        """Start it, on the data that is there."""
        settings = {
            "base_url": self.url, "host": "127.0.0.1", "port": self.port, "log_inbound": False,
            "data_dir": str(self.folder), "simulator": {"enabled": False},
            "own_private_key_path": str(self.folder / "key.pem"),
        }  # fmt: skip
        if self.auth:
            settings["server_auth"] = self.auth
        path = self.folder / "settings.yaml"
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        begin = "from sekmet.cli import app; app()"
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", begin, "serve", "--config", str(path)],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + _STARTS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError("the FHIR server ended as it started")
            with contextlib.suppress(OSError):
                self.ask("metadata")
                return
            time.sleep(0.05)
        raise RuntimeError("the FHIR server did not start")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, path: str, **query: str) -> dict[str, Any]:
        """What it answers to a GET."""
        url = f"{self.url}/{path}" + (f"?{urlencode(query)}" if query else "")
        request = urllib.request.Request(url, headers=self._headers())
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _headers(self) -> dict[str, str]:
        tokens = self.auth.get("tokens")
        return {"Authorization": f"Bearer {tokens[0]}"} if tokens else {}

    def tell(self, method: str, path: str, resource: Mapping[str, Any]) -> dict[str, Any]:
        """What it answers to a write."""
        request = urllib.request.Request(
            f"{self.url}/{path}", json.dumps(resource).encode(), method=method,
            headers={"Content-Type": "application/fhir+json", **self._headers()},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def remove(self, path: str) -> None:
        """Delete what it has there."""
        request = urllib.request.Request(
            f"{self.url}/{path}", method="DELETE", headers=self._headers()
        )
        urllib.request.urlopen(request, timeout=60).close()

    def patients(self, numbers: Mapping[int, str]) -> None:
        """Register patients with these NHS numbers, under the ids p1, p2 …"""
        entries = [
            {
                "resource": {
                    "resourceType": "Patient", "id": f"p{key}",
                    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}],
                },
                "request": {"method": "PUT", "url": f"Patient/p{key}"},
            }
            for key, number in numbers.items()
        ]  # fmt: skip
        for first in range(0, len(entries), 200):
            bundle = {
                "resourceType": "Bundle",
                "type": "batch",
                "entry": entries[first : first + 200],
            }
            self.tell("POST", "", bundle)

    def count(self, kind: str, **query: str) -> int:
        """How many it has, by its own count."""
        return int(self.ask(kind, _summary="count", **query)["total"])

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The first thousand it has."""
        return [entry["resource"] for entry in self.ask(kind, _count="1000").get("entry", ())]


@contextlib.contextmanager
def running_fhir(folder: Path, auth: Mapping[str, Any] | None = None) -> Iterator[FhirServer]:
    """A server on a free port of loopback, with its data in `folder`. auth: who may ask; None: everybody"""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    server = FhirServer(port, folder=folder, auth=dict(auth or {}))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass
class Faults:
    """
    One word a request, in order; then all pass.

    pass · cut (nothing goes on) · lost (it is carried out, and its answer is not) · a status such as 503
    """

    script: Scripted
    plan: Sequence[str] = ()
    asked: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.script.url}/fhir"

    def next(self, request: bytes) -> str:
        self.asked.append(request)
        return self.plan[len(self.asked) - 1] if len(self.asked) <= len(self.plan) else "pass"


@contextlib.contextmanager
def faults_before(
    port: int,
    *plan: str,
    request_as: Callable[[bytes], bytes] = lambda request: request,
    answer_as: Callable[[bytes], bytes] = lambda answer: answer,
) -> Iterator[Faults]:
    """
    A proxy before the server of this port that does as the plan says.

    Args:
        request_as: what goes on of a request; of the same length
        answer_as: what comes back of the body of an answer
    """
    script = Scripted(())
    faults = Faults(script, plan)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            talk: socket.socket = self.request
            while (request := read_request(talk)) is not None:
                word = faults.next(request)
                if word == "cut":
                    return
                if word.isdigit():
                    talk.sendall(
                        f"HTTP/1.1 {word} no\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n".encode()
                    )
                    continue
                said = _forward(port, request_as(request), answer_as)
                if word == "lost" or said is None:
                    return
                talk.sendall(said)

    with running(Handler, script):
        yield faults


def _forward(port: int, request: bytes, answer_as: Callable[[bytes], bytes]) -> bytes | None:
    """The server's answer; None: it is away."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines)
    there = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        there.request(method, target, body or None, headers)
        answer = there.getresponse()
        said = answer_as(answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        there.close()
    kept = "".join(f"{k}: {v}\r\n" for k, v in answer.getheaders() if k.lower() != "content-length")
    start = f"HTTP/1.1 {answer.status} x\r\nContent-Length: {len(said)}\r\n{kept}\r\n"
    return start.encode("latin-1") + said
