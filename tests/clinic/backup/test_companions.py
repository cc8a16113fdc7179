"""The base file and the files with secrets go with the settings that name them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from clinic.backup.companions import INDEX, gather, lay
from clinic.backup.manifest import SETTINGS
from clinic.settings import Settings
from clinic.settings.load import inspect_settings
from clinic.settings.read.layers import read_layers


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A practice's settings file, whose base is far away and names a secret beside itself."""
    etc, practice = tmp_path / "etc", tmp_path / "hill"
    for folder in (etc, practice):
        folder.mkdir()
    way = 'url = "https://sms.example.org"\ngateway_class = "R"\ntoken_file = "sms.token"\n'
    (etc / "base.toml").write_text(f"[sms]\n{way}")
    (etc / "sms.token").write_text("wo5eCh\n")
    (practice / "signing").write_text("a-secret-of-sixteen-letters\n")
    (practice / "key.pem").write_text("of the FHIR server\n")
    path = practice / "cohort.toml"
    path.write_text(
        f'extends = "{etc / "base.toml"}"\noperator = "nia"\n[receipts]\nsecret_file = \'signing\'\n'
        '[sources.record]\ntype = "fhir"\nurl = "https://fhir.example.org/R4"\nkinds = ["patients"]\n'
        'client_id = "us"\nkey_file = "key.pem"\n'
    )
    for secret in (
        etc / "sms.token",
        practice / "signing",
        practice / "key.pem",
        path,
        etc / "base.toml",
    ):
        secret.chmod(0o600)
    return path


def kept(config: Path, tmp_path: Path) -> Path:
    parts = tmp_path / "parts"
    parts.mkdir()
    shutil.copy(config, parts / SETTINGS)
    gather(config, parts)
    return parts


def test_on_an_empty_machine_they_are_beside_the_settings_which_name_them_there(
    lost: Path, tmp_path: Path
) -> None:
    parts = kept(lost, tmp_path)
    shutil.rmtree(tmp_path / "etc")
    shutil.rmtree(lost.parent)
    config = tmp_path / "new" / "cohort.toml"
    laid = lay(parts, config)
    loaded, faults = inspect_settings(config)
    assert (faults, loaded is not None) == ([], True)
    settings = loaded.settings if loaded else Settings()
    assert settings.operator == "nia"
    assert settings.sms.token.get_secret_value() == "wo5eCh"
    assert settings.receipts.secret.get_secret_value() == "a-secret-of-sixteen-letters"
    assert Path(settings.sources["record"].key_file).read_text() == "of the FHIR server\n"
    assert (len(laid.written), laid.there) == (4, [])
    for path in [config, *laid.written]:
        assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "new" / "cohort-files").stat().st_mode & 0o077 == 0


def test_what_is_at_its_place_counts(lost: Path, tmp_path: Path) -> None:
    parts = kept(lost, tmp_path)
    config = tmp_path / "new" / "cohort.toml"
    laid = lay(parts, config)  # the base of all practices is here, with its secret
    assert sorted(path.name for path in laid.there) == ["base.toml", "sms.token"]
    assert [path.name.partition("-")[2] for path in laid.written] == ["signing", "key.pem"]
    assert [layer.path for layer in read_layers(config)] == [tmp_path / "etc" / "base.toml", config]


def test_what_the_environment_gives_is_named_and_not_copied(
    lost: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT_SMS__TOKEN", "Zai7ku")
    parts = kept(lost, tmp_path)
    assert "COHORT_SMS__TOKEN" in json.loads((parts / INDEX).read_text())["environment"]
    assert "Zai7ku" not in "".join(p.read_text() for p in parts.rglob("*") if p.is_file())
    assert "COHORT_SMS__TOKEN" in lay(parts, tmp_path / "new" / "cohort.toml").bring
