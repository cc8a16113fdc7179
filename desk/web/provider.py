"""
Sign in with an OpenID provider (NHS Care Identity, Entra): code flow with PKCE, state and nonce.

    begin ─► the provider's page ─► finish: state, code ─► token ─► signature, issuer, audience, nonce, level

RFC 6749, 7636, 7523; OpenID Connect Core 3.1. Authlib speaks to the provider and joserfc reads what it signed;
no redirect is followed, and nothing is kept of it but who it says the person is.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from clinic.errors import NotAllowed
from clinic.settings.systems.desk import Desk as DeskSettings

_WAITS: Final = 10.0
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]


@dataclass(frozen=True)
class Pending:
    """What must come back with the person: known to this browser alone."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """One provider; its own description is asked for at each sign-in, so that new keys are found."""

    def __init__(self, own: DeskSettings, redirect: str) -> None:
        self._own, self._redirect = own, redirect

    def begin(self) -> tuple[str, Pending]:
        """
        Where to send the browser, and what must come back.

        Raises:
            NotAllowed: the provider does not answer
        """
        pending = Pending(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._client() as client:
            about = self._about()
            url, _ = client.create_authorization_url(
                about["authorization_endpoint"], state=pending.state, nonce=pending.nonce,
                code_verifier=pending.verifier,
            )  # fmt: skip
        return str(url), pending

    def finish(self, pending: Pending, *, state: str, code: str) -> str:
        """
        Who it is, in the provider's own words (`sub`).

        Raises:
            NotAllowed: what came back is forged, out of date, not for us, or of a lower level
        """
        if not code or not hmac.compare_digest(state, pending.state):
            raise _refused("what came back does not belong to this sign-in")
        try:
            with self._client() as client:
                about = self._about()
                token = client.fetch_token(
                    about["token_endpoint"], grant_type="authorization_code", code=code,
                    code_verifier=pending.verifier,
                )  # fmt: skip
                keys = KeySet.import_key_set(cast(Any, _asked(about["jwks_uri"])))
                claims = jwt.decode(token["id_token"], keys, algorithms=_ALGORITHMS).claims
                self._registry(pending).validate(claims)
        except (AuthlibBaseError, JoseError, httpx2.HTTPError, ValueError, KeyError) as error:
            raise _refused(f"its answer was not valid ({type(error).__name__})") from None
        if self._own.oidc_level and claims.get("acr") != self._own.oidc_level:
            raise _refused("the way that you signed in there is not strong enough for this desk")
        return str(claims["sub"])

    def _registry(self, pending: Pending) -> jwt.JWTClaimsRegistry:
        essential: Any = {"essential": True}
        return jwt.JWTClaimsRegistry(
            leeway=60, iss={"essential": True, "value": self._own.oidc_issuer.rstrip("/")},
            aud={"essential": True, "value": self._own.oidc_client}, exp=essential, sub=essential,
            nonce={"essential": True, "value": pending.nonce},
        )  # fmt: skip

    def _client(self) -> Any:
        own = self._own
        secret, method, methods = own.oidc_secret.get_secret_value(), "client_secret_basic", []
        if own.oidc_key_file:
            secret, method = Path(own.oidc_key_file).read_text(encoding="utf-8"), "private_key_jwt"
            headers = {"kid": own.oidc_key_id} if own.oidc_key_id else {}
            methods = [PrivateKeyJWT(headers=headers, alg="RS512")]
        client = OAuth2Client(
            own.oidc_client, secret, token_endpoint_auth_method=method, scope="openid",
            redirect_uri=self._redirect, code_challenge_method="S256", timeout=_WAITS, follow_redirects=False,
        )  # fmt: skip
        for each in methods:
            client.register_client_auth_method(each)
        return client

    def _about(self) -> dict[str, Any]:
        issuer = self._own.oidc_issuer.rstrip("/")
        try:
            about = _asked(f"{issuer}/.well-known/openid-configuration")
        except (httpx2.HTTPError, ValueError) as error:
            raise _refused(f"it does not answer ({type(error).__name__})") from None
        if str(about.get("issuer", "")).rstrip("/") != issuer:
            raise _refused("it calls itself by another name than desk.oidc_issuer")
        return about


def _asked(url: str) -> dict[str, Any]:
    """What the provider tells of itself, without our credentials."""
    response = httpx2.get(url, timeout=_WAITS, follow_redirects=False)
    response.raise_for_status()
    found = response.json()
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _refused(why: str) -> NotAllowed:
    return NotAllowed(
        "provider-refused",
        f"you were not signed in with the provider: {why}. Try again, or sign in with your password",
    )
