"""
SMART Backend Services: a token for an assertion that is signed with our own key (`private_key_jwt`).

The key stands in a file for this account alone; the token is in this process's memory and in no message. It is
renewed before it ends, by a clock that nobody sets, and at once where the server does not take it any more.
"""

from __future__ import annotations

import json
import stat
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt

from clinic.clock import Clock
from clinic.fhir.client import FixedToken, NoToken, Token
from clinic.fhir.secure import is_secure, problem_of, trusted

_LIVES: Final = timedelta(minutes=4)  # the profile allows five
_EARLY: Final = 30.0
# What RFC 6749 lets a token server say; its other words are its own
_ERRORS: Final = (
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "access_denied", "server_error", "temporarily_unavailable",
)  # fmt: skip
_SAME_TIME: Final = timedelta(seconds=20)
_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Login:
    """
    How we ask for a token.

    base_url: of the FHIR server, which says where tokens are asked for, unless token_url does
    authority_file: who signed its certificate, where no public authority did
    """

    base_url: str
    client_id: str
    key_file: str
    key_id: str = ""
    token_url: str = ""
    scope: str = ""
    wait_seconds: float = 30.0
    authority_file: str = ""


class AskedToken:
    """A token that is asked for, kept, and renewed."""

    def __init__(self, login: Login, clock: Clock) -> None:
        """Asks at the first request."""
        self._login, self._clock = login, clock
        self._token, self._until = "", 0.0
        self._ahead = timedelta()  # how far the server's clock is ahead of ours

    def get(self) -> str:
        """
        The token of the next request.

        Raises:
            NoToken: none is to be had
        """
        if not self._token or self._clock.elapsed() > self._until:
            self._token, lives = self._ask()
            self._until = self._clock.elapsed() + max(lives - _EARLY, 1.0)
        return self._token

    def refused(self, token: str) -> bool:
        """This one is not taken: another is asked for at the next request."""
        if token == self._token:
            self._token = ""
        return True

    def _ask(self) -> tuple[str, float]:
        try:
            with httpx.Client(
                timeout=self._login.wait_seconds, follow_redirects=False, trust_env=False,
                verify=trusted(self._login.authority_file),
            ) as client:  # fmt: skip
                url = self._login.token_url or self._discovered(client)
                if not is_secure(url):
                    raise NoToken("its token server would be asked without TLS: write https://")
                answer = self._post(client, url)
                if answer.status_code in (400, 401) and self._set_clock(answer):
                    answer = self._post(client, url)
        except httpx.HTTPError as error:
            problem = problem_of(error)
        else:
            return self._read(answer)
        raise NoToken(f"its token server does not answer ({problem})", may_pass=True)

    def _post(self, client: httpx.Client, url: str) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": self._login.scope,
            "client_assertion_type": _TYPE,
            "client_assertion": self._assertion(url),
        }
        return client.post(url, data=form, headers={"Accept": "application/json"})

    def _set_clock(self, answer: httpx.Response) -> bool:
        """Whether the server's clock is another one than ours: the next assertion is dated by it."""
        try:
            there = parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            return False
        ahead = there.replace(tzinfo=there.tzinfo or UTC) - self._clock.now()
        known, self._ahead = self._ahead, ahead
        return abs(ahead - known) > _SAME_TIME

    def _read(self, answer: httpx.Response) -> tuple[str, float]:
        if answer.status_code >= 500 or answer.status_code == 429:
            raise NoToken(f"its token server answers {answer.status_code}", may_pass=True)
        said = _object(answer)
        token, lives = said.get("access_token"), said.get("expires_in", 300)
        if answer.status_code != 200 or not isinstance(token, str) or not token:
            word = said["error"] if said.get("error") in _ERRORS else ""
            raise NoToken(f"its token server answers {answer.status_code} {word}".strip())
        return token, float(lives) if isinstance(lives, int | float) else 300.0

    def _discovered(self, client: httpx.Client) -> str:
        base = self._login.base_url.rstrip("/")
        answer = client.get(
            f"{base}/.well-known/smart-configuration", headers={"Accept": "application/json"}
        )
        if answer.status_code >= 500 or answer.status_code == 429:
            raise NoToken(f"it answers {answer.status_code}", may_pass=True)
        url = _object(answer).get("token_endpoint")
        if not isinstance(url, str) or urlsplit(url).hostname != urlsplit(base).hostname:
            raise NoToken(
                "it names no address for tokens, or one on another host: write it as token_url"
            )
        return url

    def _assertion(self, url: str) -> str:
        now: datetime = self._clock.now() + self._ahead
        own = self._login
        claims = {
            "iss": own.client_id, "sub": own.client_id, "aud": url, "jti": str(uuid.uuid4()), "iat": now,
            "exp": now + _LIVES,
        }  # fmt: skip
        headers = {"kid": own.key_id} if own.key_id else {}
        key, algorithm = _key(Path(own.key_file))
        try:
            return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise NoToken("key_file holds no private key that can sign") from None


def token_of(fixed: str, login: Login, clock: Clock) -> Token:
    """The token of each request: one that is asked for, where we have a client id, or the fixed one."""
    return AskedToken(login, clock) if login.client_id else FixedToken(fixed)


def _key(path: Path) -> tuple[Any, str]:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise NoToken(f"{path} can be read by others; run: chmod 600 {path}")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise NoToken(f"key_file: {path} cannot be read") from None
    try:
        if not text.startswith("{"):
            return _pem(text)
        from jwt.algorithms import ECAlgorithm, RSAAlgorithm

        kind = json.loads(text).get("kty")
        return (
            (RSAAlgorithm.from_jwk(text), "RS384")
            if kind == "RSA"
            else (ECAlgorithm.from_jwk(text), "ES384")
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise NoToken(
            f"key_file: {path} is no private key as PEM or JWK, RSA or EC P-384"
        ) from None


def _pem(text: str) -> tuple[Any, str]:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(text.encode(), password=None)
    return key, "RS384" if isinstance(key, RSAPrivateKey) else "ES384"


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
