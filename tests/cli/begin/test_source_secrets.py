"""ARC-11, NEW-14: a source's secrets, and whom it gives, are nowhere but where they belong."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from cli.program import app
from tests.clinic.sources.fhir.asking import bundle
from tests.main_job import nhs
from tests.servers.stand_in import Asked, Said, standing_in

LETTERS = uuid.uuid4().hex
TOKEN, PASSWORD, FAMILY = f"tok{LETTERS[:12]}", f"pw{LETTERS[12:24]}", f"Llyr{LETTERS[24:]}"
PATIENT = {
    "resourceType": "Patient", "id": "p1", "name": [{"family": FAMILY, "given": ["Sian"]}],
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": nhs(7)}], "birthDate": "1950-01-01",
}  # fmt: skip
OWN = {"cohort.toml", "url", "key.pem"}  # where the secrets are


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def found(folder: Path, words: list[bytes]) -> dict[str, list[bytes]]:
    """In which files these are, whatever kind of file it is."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in OWN]
    return {
        str(path.relative_to(folder)): there
        for path in files
        if (there := [word for word in words if word in path.read_bytes()])
    }


def test_secrets_are_in_no_output_no_file_and_no_process_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "url").write_text(f"postgresql://reader:{PASSWORD}@127.0.0.1:1/w")
    for name in ("key.pem", "url"):
        (tmp_path / name).chmod(0o600)
    (tmp_path / "patients.sql").write_text("SELECT 1 AS a")
    assertions: list[str] = []
    processes: list[str] = []

    def answer(asked: Asked) -> Said | None:
        if asked.path.endswith("/token"):
            assertions.append(asked.body)
            return Said({"access_token": TOKEN, "expires_in": 300})
        assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
        processes.append(
            subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout
        )
        return Said(bundle(PATIENT, total=1))

    out = typed("init", "--name", "Llanfair Surgery", "--id-scheme", "emis").output
    with standing_in(answer) as there, (tmp_path / "cohort.toml").open("a") as settings:
        settings.write(
            f"""
[sources.record]
type = "fhir"
url = "{there.url}"
token_url = "{there.url}/token"
client_id = "cohort"
key_file = "key.pem"
kinds = ["patients"]
[sources.warehouse]
type = "sql"
url_file = "url"
queries = "."
"""
        )
        settings.flush()
        for words in (("list",), ("check",), ("sync",), ("status",), ("status", "--json")):
            out += typed("sources", *words).output
    assert "1 added" in out  # it did import
    assert assertions
    secrets = [TOKEN, PASSWORD, key.decode().splitlines()[1], assertions[0][-40:]]
    assert [one for one in secrets if any(one in text for text in (out, *processes))] == []
    assert found(tmp_path, [one.encode() for one in secrets]) == {}
    assert [one for one in (FAMILY, nhs(7)) if one in out] == []
    places = found(tmp_path, [FAMILY.encode()])
    assert places  # the search finds what is there
    assert all(Path(place).name.startswith("record.db") for place in places), places
