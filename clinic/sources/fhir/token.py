"""
SMART Backend Services: a token for an assertion that is signed with our own key (`private_key_jwt`).

The key stands in a file for this account alone; the token is in this process's memory and in no message.
"""

from __future__ import annotations

import json
import stat
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from clinic.clock import Clock
from clinic.errors import SourceDown, SourceRefused
from clinic.settings import SourceSettings
from clinic.sources.fhir.http import require_secure

_LIVES: Final = timedelta(minutes=4)  # the profile allows five
_EARLY: Final = 30.0
_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_of(name: str, settings: SourceSettings, clock: Clock) -> Callable[[], str]:
    """What gives the token of the next request: the fixed one, one that is asked for and renewed, or ""."""
    if settings.client_id:
        return _Asked(name, settings, clock).token
    return settings.token.get_secret_value


class _Asked:
    def __init__(self, name: str, settings: SourceSettings, clock: Clock) -> None:
        self._name, self._settings, self._clock = name, settings, clock
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """
        The token, renewed before it ends.

        Raises:
            SourceDown, SourceRefused: none is to be had
        """
        if not self._token or self._clock.elapsed() > self._until:
            self._token, lives = self._ask()
            self._until = self._clock.elapsed() + max(lives - _EARLY, 1.0)
        return self._token

    def _ask(self) -> tuple[str, float]:
        try:
            with httpx.Client(
                timeout=self._settings.wait_seconds, follow_redirects=False, trust_env=False
            ) as client:
                url = self._settings.token_url or self._discovered(client)
                require_secure(self._name, url)
                form = {
                    "grant_type": "client_credentials",
                    "scope": self._settings.scope,
                    "client_assertion_type": _TYPE,
                    "client_assertion": self._assertion(url),
                }
                answer = client.post(url, data=form, headers={"Accept": "application/json"})
        except httpx.HTTPError as error:
            problem = type(error).__name__
        else:
            return self._read(answer)
        raise SourceDown(
            "source-down", f"source {self._name}: its token server does not answer ({problem})"
        )

    def _read(self, answer: httpx.Response) -> tuple[str, float]:
        if answer.status_code >= 500 or answer.status_code == 429:
            raise SourceDown(
                "source-down",
                f"source {self._name}: its token server answers {answer.status_code}",
            )
        said = _object(answer)
        token, lives = said.get("access_token"), said.get("expires_in", 300)
        if answer.status_code != 200 or not isinstance(token, str) or not token:
            error = str(said.get("error", ""))[:40]
            raise self._refused(f"its token server answers {answer.status_code} {error}".strip())
        return token, float(lives) if isinstance(lives, int | float) else 300.0

    def _discovered(self, client: httpx.Client) -> str:
        base = self._settings.url.get_secret_value().rstrip("/")
        answer = client.get(
            f"{base}/.well-known/smart-configuration", headers={"Accept": "application/json"}
        )
        url = _object(answer).get("token_endpoint")
        if not isinstance(url, str) or urlsplit(url).hostname != urlsplit(base).hostname:
            raise self._refused(
                "it names no address for tokens, or one on another host: write it as token_url"
            )
        return url

    def _assertion(self, url: str) -> str:
        now = self._clock.now()
        claims = {
            "iss": self._settings.client_id, "sub": self._settings.client_id, "aud": url,
            "jti": str(uuid.uuid4()), "iat": now, "exp": now + _LIVES,
        }  # fmt: skip
        headers = {"kid": self._settings.key_id} if self._settings.key_id else {}
        key, algorithm = self._key()
        try:
            return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise self._refused("key_file holds no private key that can sign") from None

    def _key(self) -> tuple[Any, str]:
        path = Path(self._settings.key_file)
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise self._refused(f"{path} can be read by others; run: chmod 600 {path}")
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise self._refused(f"key_file: {path} cannot be read") from None
        try:
            if not text.startswith("{"):
                return _pem(text)
            kind = json.loads(text).get("kty")
            return (
                (RSAAlgorithm.from_jwk(text), "RS384")
                if kind == "RSA"
                else (ECAlgorithm.from_jwk(text), "ES384")
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise self._refused(
                f"key_file: {path} is no private key as PEM or JWK, RSA or EC P-384"
            ) from None

    def _refused(self, why: str) -> SourceRefused:
        return SourceRefused("source-login", f"source {self._name}: {why}")


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
