"""What is written in the settings is in force, or is refused with its place: nothing is ignored."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from clinic.errors import SettingsWrong
from clinic.settings import Settings, SmsGateway, load_settings, read_settings
from clinic.settings.read.environment import variable_of
from clinic.settings.section import sections_in, settings_in

NAMES = [name for name, _ in settings_in(Settings)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that one stands in, with no settings of its own in the environment."""
    for name in os.environ:
        if name.startswith("COHORT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str | bytes, *, mode: int = 0o600) -> Path:
    path = folder / "cohort.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def refused() -> SettingsWrong:
    with pytest.raises(SettingsWrong) as caught:
        load_settings()
    return caught.value


def _misspelt(name: str) -> str:
    """The last letter but one is lost; of short words the last is doubled."""
    section, dot, last = name.rpartition(".")
    return section + dot + (last[:-2] + last[-1] if len(last) > 4 else last + last[-1])


def _as_toml(name: str) -> str:
    section, _, last = name.rpartition(".")
    return (f"[{section}]\n" if section else "") + f"{last} = 1\n"


def test_a_misspelling_of_every_setting_is_refused_with_its_line_and_the_right_one(
    folder: Path,
) -> None:
    assert len(NAMES) > 80
    for name in NAMES:
        write(folder, _as_toml(_misspelt(name)))
        says = refused().says
        line = 2 if "." in name else 1
        assert f"cohort.toml, line {line}: there is no setting {_misspelt(name)}" in says
        assert f"the nearest is {name}" in says, says


def test_a_misspelt_variable_of_every_setting_is_refused_with_the_right_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        with monkeypatch.context() as environment:
            environment.setenv(variable_of(_misspelt(name)), "1")
            says = refused().says
        assert variable_of(_misspelt(name)) in says
        assert f"the nearest is {variable_of(name)}." in says, says


@pytest.mark.parametrize("name", list(sections_in(Settings)))
def test_a_misspelt_section_is_refused(folder: Path, name: str) -> None:
    write(folder, f"[{name}x]\n")
    assert f"there is no setting {name}x" in refused().says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[sms]\n\nwindow_hours = -4', "line 3: sms.window_hours: input should be greater than 0"),
        ('[organisation]\nchannels = ["sms", "fax"]', "line 2: organisation.channels.1: input"),
        ('[receipts]\nchannels = ["SMS"]', "receipts.channels.0: input should be 'sms'"),
        ('[organisation]\ntime_zone = "Europe/Cardif"', "line 2: organisation.time_zone: write a"),
        ('[organisation]\nfacility_zones = { A = "UTC+1" }', "organisation.facility_zones"),
        ('[organisation]\ntime_zone = "Europe/Pariss"', "such as Europe/Paris; found"),
        ('[phones]\nhome_region = "UK"', "such as GB; found 'UK'"),
        ('[organisation]\nmessaged_statuses = ["activ"]', "messaged_statuses names activ"),
        ('[operations.transitions]\nactive = ["gone"]', "operations.transitions names gone"),
        ('record_url = "mysql://db/cohort"', "line 1: record_url: write it as postgresql://"),
        ('[sms]\nurl = "sms.example.org"', "sms.url: write an address as https://"),
        ('[hours]\ntext = { mon = ["20:00-08:00"] }', "line 2: hours.text.mon.0: a window ends"),
        ('[hours]\nclosed = ["25/12/2026"]', "line 2: hours.closed.0: "),
        ("prefect_port = 70000", "prefect_port: input should be less than or equal to 65535"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_with_its_line(
    folder: Path, text: str, says: str
) -> None:
    write(folder, text)
    fault = refused()
    assert (fault.code, fault.exit_code) == ("settings", 2)
    assert says in fault.says


def test_every_fault_is_named_at_once_and_no_secret_is_repeated(folder: Path) -> None:
    write(folder, '[sms]\ntoken = ["hunter2"]\n[halt]\nbatchs = 1\n[email]\npasword = "hunter3"\n')
    says = refused().says
    assert "halt.batchs" in says
    assert "email.pasword" in says
    assert "hunter" not in says


def test_the_class_of_a_gateway_is_nobody_s_default(folder: Path) -> None:
    write(folder, '[sms]\nurl = "https://sms.example.org"\n')
    assert "gateway_class is not set" in refused().says
    write(folder, '[sms]\nurl = "https://sms.example.org"\ngateway_class = "R"\n')
    assert load_settings().sms.gateway_class == "R"
    assert SmsGateway().gateway_class == "B"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\n[sms\n", "cohort.toml, line 2: not TOML"),
        (b"[sms]\nurl = https://x.example\n", "cohort.toml, line 2: not TOML"),
        (b"operator = 'a'\noperator = 'b'\n", "cohort.toml, line 2: not TOML"),
        (b'[organisation]\nname = "Caf\xe9"\n', "cohort.toml, line 2: the file is not UTF-8"),
        ("operator = 'a'\n".encode("utf-16"), "cohort.toml, line 1: the file is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(
    folder: Path, text: bytes, says: str
) -> None:
    write(folder, text)
    fault = refused()
    assert (fault.code, fault.exit_code) == ("settings-file", 2)
    assert says in fault.says


def test_what_windows_editors_put_before_the_text_is_no_setting(folder: Path) -> None:
    write(folder, b"\xef\xbb\xbfoperator = 'ann'\r\n")
    assert load_settings().operator == "ann"


def test_a_file_that_was_named_must_be_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings() == Settings()
    monkeypatch.setenv("COHORT_CONFIG", "elsewhere.toml")
    assert "elsewhere.toml" in refused().says
    monkeypatch.setenv("COHORT_CONFIG", os.devnull)
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[receipts]\nsecret = "0123456789abcdef"', "receipts.secret"),
        ('[email]\npassword = "x"', "email.password"),
        ('record_url = "postgresql://cohort:hunter2@db/cohort"', "record_url"),
    ],
)
def test_a_file_with_secrets_is_for_one_account(folder: Path, text: str, named: str) -> None:
    path = write(folder, text, mode=0o644)
    fault = refused()
    assert fault.code == "settings-open"
    assert named in fault.says
    assert "hunter2" not in fault.says
    assert "chmod 600 cohort.toml" in fault.says
    path.chmod(0o600)
    load_settings()


def test_a_file_without_secrets_may_be_read_by_others(folder: Path) -> None:
    write(folder, 'record_url = "postgresql://cohort@db/cohort"\n', mode=0o644)
    load_settings()


def test_a_home_is_relative_to_the_file_that_names_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "below").mkdir()
    monkeypatch.setenv("COHORT_CONFIG", str(write(folder, 'home = "records"\n')))
    monkeypatch.chdir(folder / "below")
    assert load_settings().home == folder / "records"
    write(folder, "operator = 'ann'\n")
    assert load_settings().home == folder / ".cohort"
    monkeypatch.setenv("COHORT_HOME", "mine")  # as one types it here
    assert load_settings().home == Path("mine")


@pytest.mark.parametrize(
    ("variable", "value", "name", "wanted"),
    [
        ("COHORT_RELEASE__APPROVAL_ABOVE", "40", "release.approval_above", 40),
        ("COHORT_RELEASE__APPROVAL_ABOVE", "", "release.approval_above", None),
        ("cohort_halt__least", "7", "halt.least", 7),
        ("COHORT_ORGANISATION__CHANNELS", '["email"]', "organisation.channels", ("email",)),
        ("COHORT_HOURS__TEXT__MON", '["08:00-12:00"]', "hours.text", {"mon": ("08:00-12:00",)}),
        ("COHORT_HALT", json.dumps({"least": 9}), "halt.least", 9),
    ],
)  # fmt: skip
def test_the_environment_wins_over_the_file_and_is_named_as_the_source(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str, wanted: Any
) -> None:
    write(folder, "[release]\napproval_above = 5\n[halt]\nbatches = 4\n")
    assert read_settings().source("release.approval_above") == ("file", "cohort.toml, line 2")
    monkeypatch.setenv(variable, value)
    loaded = read_settings()
    held: Any = loaded.settings
    for part in name.split("."):
        held = getattr(held, part)
    assert held == wanted
    assert loaded.source(name) == ("environment", variable)
    assert loaded.source("halt.batches") == ("file", "cohort.toml, line 4")
    assert loaded.source("pacing.sms.per_second") == ("default", "")


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("COHORT_HOURS__CLOSED", "write it as JSON"),
        ("COHORT_HOME__X", "no setting of Cohort"),
        ("COHORT_CONFG", "the nearest is COHORT_CONFIG"),
    ],
)
def test_a_variable_that_cannot_be_meant_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, says: str
) -> None:
    monkeypatch.setenv(variable, "2026-12-25")
    fault = refused()
    assert variable in fault.says
    assert says in fault.says


def test_who_works_here_is_the_account_and_not_what_the_environment_calls_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_settings().operator
    monkeypatch.setenv("USER", "the-manager")
    monkeypatch.setenv("LOGNAME", "the-manager")
    assert load_settings().operator == before == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[replies.add]\ndangr = ["blue lips"]', "replies.add.dangr"),
        ('[replies.add]\ndanger = ["--"]', "replies.add.danger.0"),
        ('[replies]\nharmless = [""]', "replies.harmless.0"),
        ('[silence.add]\nfax = ["fax"]', "silence.add.fax"),
        ('[silence.add]\nmore = [" "]', "silence.add.more.0"),
        ('[content]\nharmless = ["*"]', "content.harmless.0"),
        ('[content.add]\nresults = [""]', "content.add.results.0"),
        ('[reply.add]\ndanger = ["blue lips"]', "there is no setting reply"),
    ],
)
def test_a_practice_s_words_are_of_lists_that_there_are_and_have_letters(
    folder: Path, text: str, says: str
) -> None:
    """A phrase without a letter would be found in every text; a slip in the list's name would add nothing."""
    write(folder, text)
    assert says in refused().says
