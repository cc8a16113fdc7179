"""Issue 16: SMART Backend Services: our signed assertion for a token, renewed, and neither in any message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from clinic.errors import SourceProblem, SourceRefused
from tests.clinic.sources.fhir.asking import PATIENT, bundle, fetched, fhir
from tests.fakes import FakeClock
from tests.servers.stand_in import Asked, Said, standing_in

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP384R1())
SECRET = "s3cret-token"


def pem(key: Any) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()  # type: ignore[no-any-return]


KEYS = {
    "rsa pem": (RSA, pem(RSA), "RS384"),
    "ec pem": (EC, pem(EC), "ES384"),
    "rsa jwk": (RSA, json.dumps(jwt.algorithms.RSAAlgorithm.to_jwk(RSA, as_dict=True)), "RS384"),
    "ec jwk": (EC, json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(EC, as_dict=True)), "ES384"),
}


def key_file(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def smart(lives: int = 300, status: int = 200) -> Callable[[Asked], Said | None]:
    def answer(asked: Asked) -> Said | None:
        base = f"http://{asked.headers['Host']}/fhir"
        if asked.path.endswith("/.well-known/smart-configuration"):
            return Said({"token_endpoint": f"{base}/token"})
        if asked.path == "/fhir/token":
            return Said(
                {"access_token": SECRET, "expires_in": lives, "error": "invalid_client"}, status
            )
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Said({}, 401)
        return Said(bundle(PATIENT))

    return answer


@pytest.mark.parametrize("name", KEYS)
def test_the_assertion_is_signed_as_the_profile_says(tmp_path: Path, name: str) -> None:
    key, text, algorithm = KEYS[name]
    with standing_in(smart()) as there:
        path = key_file(tmp_path, text)
        source = fhir(there.url, FakeClock(), client_id="us", key_id="k1", key_file=path)
        found, _ = fetched(source, "patients", tmp_path / "home")
    assert found.rows == 1
    (form,) = [parse_qs(each.body) for each in there.asked if each.path == "/fhir/token"]
    assertion = form["client_assertion"][0]
    url = f"{there.url}/token"
    unjudged = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        assertion, key.public_key(), algorithms=[algorithm], audience=url, options=unjudged
    )
    assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == ("us", "us", 240)
    assert jwt.get_unverified_header(assertion)["kid"] == "k1"
    assert form["grant_type"] == ["client_credentials"]


def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    with standing_in(smart(lives=40)) as there:
        path = key_file(tmp_path, KEYS["rsa pem"][1])
        source = fhir(there.url, clock, client_id="us", key_file=path)
        inner = there.answer

        def slow(asked: Asked) -> Said | None:
            clock.sleep(11)  # each request takes so long
            return inner(asked)

        there.answer = slow
        fetched(source, "patients", tmp_path / "home")
    assert there.paths().count("/fhir/token") > 1


def test_a_token_that_the_server_ends_earlier_is_renewed_once(tmp_path: Path) -> None:
    """And where the new one is not taken either, we are not let in."""
    answers = smart()
    refusals = 0

    def forgetful(asked: Asked) -> Said | None:
        nonlocal refusals
        if asked.path == "/fhir/Patient" and refusals:
            refusals -= 1
            return Said({}, 401)
        return answers(asked)

    with standing_in(forgetful) as there:
        path = key_file(tmp_path, KEYS["ec pem"][1])
        refusals = 1
        found, _ = fetched(fhir(there.url, client_id="us", key_file=path), "patients", tmp_path)
        assert found.rows == 1
        assert there.paths().count("/fhir/token") == 2
        refusals = 2
        with pytest.raises(SourceRefused) as refused:
            fetched(fhir(there.url, client_id="us", key_file=path), "patients", tmp_path)
    assert refused.value.code == "source-login"


def _discovery(url: str) -> Callable[[Asked], Said]:
    return lambda asked: Said({"token_endpoint": url})


@pytest.mark.parametrize(
    ("text", "mode", "answer"),
    [
        (KEYS["rsa pem"][1], 0o644, smart()),
        ("no key SENTINEL", 0o600, smart()),
        ('{"kty": "RSA", "SENTINEL": 1}', 0o600, smart()),
        (KEYS["rsa pem"][1], 0o600, smart(status=400)),
        (KEYS["rsa pem"][1], 0o600, smart(status=503)),
        (KEYS["rsa pem"][1], 0o600, _discovery("https://elsewhere.example/token")),
    ],
    ids=["open to all", "no key", "no whole key", "refused", "closed", "elsewhere"],
)
def test_no_token_is_said_without_key_or_token(
    tmp_path: Path, text: str, mode: int, answer: Callable[[Asked], Said | None],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """NEW-14, ARC-11: neither in what is raised nor in what libraries log."""
    caplog.set_level("DEBUG")
    with standing_in(answer) as there:
        source = fhir(there.url, client_id="us", key_file=key_file(tmp_path, text, mode))
        with pytest.raises(SourceProblem) as refused:
            fetched(source, "patients", tmp_path / "home")
    said = refused.value.says + caplog.text
    for secret in (SECRET, "SENTINEL", "PRIVATE KEY", "eyJ"):
        assert secret not in said


def test_a_token_is_in_no_log_of_a_fetch_that_went_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with standing_in(smart()) as there:
        fetched(fhir(there.url, token=SECRET), "patients", tmp_path)
    assert SECRET not in caplog.text
    assert "9990000018" not in caplog.text


def test_a_wrong_token_is_refused(tmp_path: Path) -> None:
    with standing_in(smart()) as there, pytest.raises(SourceRefused) as refused:
        fetched(fhir(there.url, token="other"), "patients", tmp_path)
    assert refused.value.code == "source-login"
