"""
Asks one FHIR server, and no other host: a redirect or a link that leads elsewhere is an error, unless the
settings name that host for files of exports, where our token never goes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from clinic.clock import Clock
from clinic.errors import SourceDown, SourceRefused
from clinic.fhir.client import FixedToken, NoToken, Token
from clinic.fhir.secure import is_secure, problem_of, trusted
from clinic.gateway.http.reply import seconds_to_wait
from clinic.settings import SourceSettings

_TRIES: Final = 4
_USUAL_WAIT: Final = 5.0
_LONGEST_WAIT: Final = 120.0
_LOGIN: Final = {
    401: "the server refuses our login: look at token_file, or at client_id, key_file and key_id, and whether "
    "the public key is registered there",
    403: "the server knows us and does not let us read this: ask for the right to read all that "
    "kinds names (scope)",
}
_JSON: Final = {"Accept": "application/fhir+json"}
# A page of a thousand resources is far below it
_LARGEST: Final = 100_000_000


@dataclass(frozen=True)
class Reply:
    """An answer that was read whole."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Server:
    """
    A server and how it is asked.

    token: gives the bearer token of each request
    """

    name: str
    settings: SourceSettings
    clock: Clock
    token: Token = field(default_factory=FixedToken)
    base: str = field(init=False)
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.base = self.settings.url.get_secret_value().rstrip("/")
        require_secure(self.name, self.base)
        # It would note each address, with ids of patients in it, in whatever log there is
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.WARNING)
        # No proxy, no .netrc, no certificate of the environment: the settings alone say who is asked
        try:
            trust = trusted(self.settings.authority_file)
        except OSError:
            raise SourceRefused(
                "source-tls",
                f"source {self.name}: authority_file cannot be read, or holds no certificate (PEM)",
            ) from None
        self.client = httpx.Client(
            timeout=self.settings.wait_seconds,
            follow_redirects=False,
            trust_env=False,
            verify=trust,
        )

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()

    def url(self, link: str) -> str:
        """
        A link of the server's as a whole address.

        Raises:
            SourceRefused: it leads to another host
        """
        found = urljoin(f"{self.base}/", link)
        if _origin(found) != _origin(self.base):
            raise self._elsewhere(found)
        return found

    def get(self, link: str, headers: Mapping[str, str] | None = None) -> Reply:
        """
        The answer to a GET, after waiting where the server asks us to.

        Raises:
            SourceDown: no answer, or still busy
            SourceRefused: it refuses us, or leads to another host
        """
        url = self.url(link)
        for tries in range(1, _TRIES + 1):
            reply = self._once("GET", url, {**_JSON, **(headers or {})})
            if reply.status not in (429, 503) or tries == _TRIES:
                return self._judged(reply)
            wait = seconds_to_wait(reply.headers.get("retry-after"), self.clock.now())
            self.clock.sleep(min(_USUAL_WAIT * tries if wait is None else wait, _LONGEST_WAIT))
        raise AssertionError("the last try is judged")

    def delete(self, link: str) -> None:
        """Tell it that something is not needed any more; whatever it answers."""
        try:
            self._once("DELETE", self.url(link), dict(_JSON))
        except (SourceDown, SourceRefused):
            return

    @contextmanager
    def lines(self, link: str, *, with_token: bool) -> Iterator[Iterator[str]]:
        """
        The lines of a file, as they come.

        Raises:
            SourceDown: no answer, or it broke off
            SourceRefused: the server refuses it, or leads to a host that is not named
        """
        url = urljoin(f"{self.base}/", link)
        renewed = False
        for _ in range(4):
            own = _origin(url) == _origin(self.base)
            if not own and urlsplit(url).hostname not in self.settings.file_hosts:
                raise self._elsewhere(url)
            require_secure(self.name, url)
            headers = {"Accept": "application/fhir+ndjson"}
            token = self._bearer() if own and with_token else ""
            with self._opened(url, _with_token(headers, token)) as response:
                if response.status_code == 401 and token and not renewed:
                    renewed = self.token.refused(token)
                    if renewed:
                        continue
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status_code != 200:
                    self._judged(Reply(response.status_code, response.headers, None))
                yield response.iter_lines()
                return
        raise SourceRefused("source-refused", f"source {self.name}: a file redirects without end")

    @contextmanager
    def _opened(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        try:
            with self.client.stream("GET", url, headers=dict(headers)) as response:
                yield response
        except httpx.HTTPError as error:
            problem = problem_of(error)
        else:
            return
        raise self._down(problem)

    def _once(self, method: str, url: str, headers: dict[str, str]) -> Reply:
        token = self._bearer()
        reply = self._asked(method, url, _with_token(headers, token))
        if reply.status == 401 and self.token.refused(token):
            reply = self._asked(method, url, _with_token(headers, self._bearer()))
        return reply

    def _bearer(self) -> str:
        """
        The token of the next request.

        Raises:
            SourceDown, SourceRefused: none is to be had
        """
        try:
            return self.token.get()
        except NoToken as none:
            says = f"source {self.name}: {none.says}"
            found = (
                SourceDown("source-down", says)
                if none.may_pass
                else SourceRefused("source-login", says)
            )
        raise found

    def _asked(self, method: str, url: str, headers: Mapping[str, str]) -> Reply:
        try:
            with self.client.stream(method, url, headers=dict(headers)) as response:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > _LARGEST:
                        raise SourceRefused(
                            "source-refused",
                            f"source {self.name}: an answer has more than {_LARGEST:,} bytes",
                        )
                return Reply(response.status_code, response.headers, _json(bytes(body)))
        except httpx.HTTPError as error:
            problem = problem_of(error)
        raise self._down(problem)

    def _judged(self, reply: Reply) -> Reply:
        """
        The reply, if it is one.

        Raises:
            SourceDown, SourceRefused: why it is none
        """
        status = reply.status
        if status in (200, 202):
            return reply
        if 300 <= status < 400:
            raise self._elsewhere(urljoin(self.base, reply.headers.get("location", "")))
        if status in (401, 403):
            raise SourceRefused("source-login", f"source {self.name}: {_LOGIN[status]} ({status})")
        if status in (408, 425, 429) or status >= 500:
            raise self._down(f"it answers {status}: try later, or ask those who run it")
        raise SourceRefused(
            "source-refused",
            f"source {self.name}: the server answers {status}: it does not know what it is asked for. Is url "
            "its base address (https://fhir.example.org/R4), and does it have all that kinds and bulk ask for?",
        )

    def _down(self, why: str) -> SourceDown:
        return SourceDown("source-down", f"source {self.name}: the server does not answer ({why})")

    def _elsewhere(self, url: str) -> SourceRefused:
        host = urlsplit(url).hostname or "nowhere"
        return SourceRefused(
            "source-elsewhere",
            f"source {self.name}: the server leads to another address (on {host}), which is not asked. Is url "
            "the address that it calls itself by? Hosts of files of an export: file_hosts",
        )


def require_secure(name: str, url: str) -> None:
    """
    Patients' data goes over TLS, but on this machine.

    Raises:
        SourceRefused: it would not
    """
    if is_secure(url):
        return
    raise SourceRefused(
        "source-tls",
        f"source {name}: {urlsplit(url).hostname} is another machine and would be asked without TLS: write https://",
    )


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _with_token(headers: Mapping[str, str], token: str) -> dict[str, str]:
    return {**headers, "Authorization": f"Bearer {token}"} if token else dict(headers)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None
