"""`[sources.NAME]`: what it may say, where secrets and paths come from; and no error tells a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.errors import SettingsWrong
from clinic.settings import Settings, read_settings

FILES = '[sources.emis]\ntype = "files"\nfolder = "in"\npatterns = { appointments = "*.csv" }\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cohort.toml"
    monkeypatch.setenv("COHORT_CONFIG", str(path))
    monkeypatch.chdir("/")
    return path


def load(config: Path, text: str) -> Settings:
    config.write_text(text)
    config.chmod(0o600)
    return read_settings().settings


def test_a_folder_is_relative_to_the_file_that_names_it(config: Path) -> None:
    assert load(config, FILES).sources["emis"].folder == str(config.parent / "in")


def test_the_environment_says_a_setting_of_a_source(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT_SOURCES__EMIS__FOLDER", "/exports")
    monkeypatch.setenv("COHORT_SOURCES__EMIS__OLDEST_HOURS", "12")
    other = '{"type": "files", "folder": "/o", "patterns": {"groups": "g.csv"}}'
    monkeypatch.setenv("COHORT_SOURCES__OTHER", other)
    sources = load(config, FILES).sources
    assert (sources["emis"].folder, sources["emis"].oldest_hours) == ("/exports", 12)
    assert sources["other"].patterns == {"groups": "g.csv"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[sources.Emis]\ntype = "files"', "write a source's name in lower-case letters"),
        ('[sources.emis]\nfolder = "x"', "line 1: sources.emis.type: field required"),
        (FILES + 'foldr = "x"', "line 5: there is no setting sources.emis.foldr; the nearest is sources."),
        (FILES + "oldest_hours = 0", "line 5: sources.emis.oldest_hours: input should be greater than 0"),
        (FILES + 'patterns.gropus = "x"', "patterns"),
        (FILES + 'url = "postgresql://u:hunter2@h/d"', "url: not of a source of type files: leave it out"),
        (FILES + "token = 17171717", "sources.emis.token: input should be a valid string"),
        ('[sources.emis]\ntype = "files"\n', "a source of type files needs folder and patterns"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_with_its_line_and_without_a_secret(
    config: Path, text: str, says: str
) -> None:
    with pytest.raises(SettingsWrong) as refused:
        load(config, text)
    assert says in refused.value.says
    assert "hunter2" not in refused.value.says
    assert "17171717" not in refused.value.says


def test_a_misspelt_variable_of_a_source_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT_SOURCES__EMIS__FOLDR", "/exports")
    with pytest.raises(SettingsWrong, match="COHORT_SOURCES__EMIS__FOLDR is no setting"):
        load(config, FILES)


def test_a_relative_path_in_the_environment_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT_SOURCES__EMIS__FOLDER", "exports")
    with pytest.raises(SettingsWrong, match="write the whole path"):
        load(config, FILES)
