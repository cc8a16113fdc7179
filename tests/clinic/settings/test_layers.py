"""One base file for many practices, secrets in files of their own, and all faults at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clinic.errors import SettingsWrong
from clinic.health.settings_check import check_settings
from clinic.settings import load_settings, read_settings

GATEWAY = '[sms]\nurl = "https://sms.example.org"\ngateway_class = "B"\n'
TEXTS = (
    '[gateways.texts]\ntype = "json"\ngateway_class = "B"\nid_at = "id"\n'
    'body = { to = "{to}", text = "{body}" }\n'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that one stands in, with no settings of its own in the environment."""
    for name in os.environ:
        if name.startswith("COHORT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str, *, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def refused() -> SettingsWrong:
    with pytest.raises(SettingsWrong) as caught:
        load_settings()
    return caught.value


@pytest.fixture
def practice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A practice whose file extends one that all share, in the folder above."""
    write(folder / "base.toml", GATEWAY + '[halt]\nbatches = 7\n[organisation]\nphone = "01632"\n')
    (folder / "hill").mkdir()
    path = write(
        folder / "hill" / "cohort.toml",
        'extends = "../base.toml"\n[halt]\nleast = 9\n[organisation]\nphone = "01633"\n',
    )
    monkeypatch.setenv("COHORT_CONFIG", str(path))
    return path


def test_a_practices_own_file_wins_over_the_base_setting_by_setting(
    practice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT_HALT__AMBIGUOUS", "5")
    loaded = read_settings()
    halt = loaded.settings.halt
    assert (halt.batches, halt.least, halt.ambiguous) == (7, 9, 5)
    assert loaded.settings.organisation.phone == "01633"
    base = practice.parent / ".." / "base.toml"
    assert loaded.source("halt.batches") == ("file", f"{base}, line 5")
    assert loaded.source("halt.least") == ("file", f"{practice}, line 3")
    assert loaded.source("halt.ambiguous") == ("environment", "COHORT_HALT__AMBIGUOUS")
    assert loaded.source("halt.failures") == ("default", "")
    assert loaded.settings.home == practice.parent / ".cohort"


def test_a_base_may_be_named_by_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT_BASE", str(write(folder / "base.toml", "batch_size = 250\n")))
    assert load_settings().batch_size == 250
    write(folder / "cohort.toml", "batch_size = 300\n")
    assert load_settings().batch_size == 300
    monkeypatch.setenv("COHORT_BASE", "elsewhere.toml")
    assert "COHORT_BASE: there is no file elsewhere.toml" in refused().says
    monkeypatch.delenv("COHORT_BASE")
    monkeypatch.setenv("COHORT_EXTENDS", "base.toml")
    assert "COHORT_BASE" in refused().says


@pytest.mark.parametrize(
    ("base", "code", "says"),
    [
        (
            'home = "/srv/cohort"',
            "settings-shared",
            "base.toml, line 1: home is in a base file",
        ),
        ('record_url = "postgresql://db/c"', "settings-shared", "record_url is in a base file"),
        ('extends = "hill/cohort.toml"', "settings-file", "extends leads back to"),
        ('extends = "none.toml"', "settings-file", "base.toml, line 1: there is no file"),
        ("[halt]\nbatchs = 1", "settings", "base.toml, line 2: there is no setting halt.batchs"),
        ("[halt", "settings-file", "base.toml, line 1: not TOML"),
    ],
)
def test_what_a_base_may_not_hold_is_refused_with_its_line(
    practice: Path, base: str, code: str, says: str
) -> None:
    write(practice.parent.parent / "base.toml", base)
    fault = refused()
    assert fault.code == code
    assert says in fault.says


SECRETS = [
    ("[sms]\ntoken_file = 'key'", "COHORT_SMS__TOKEN_FILE", "sms.token"),
    ("[email]\npassword_file = 'key'", "COHORT_EMAIL__PASSWORD_FILE", "email.password"),
    ("[receipts]\nsecret_file = 'key'", "COHORT_RECEIPTS__SECRET_FILE", "receipts.secret"),
]


def _held(dotted: str) -> str:
    section, name = dotted.split(".")
    return str(getattr(getattr(load_settings(), section), name).get_secret_value())


@pytest.mark.parametrize(("text", "variable", "dotted"), SECRETS)
def test_a_secret_may_stand_in_a_file_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, variable: str, dotted: str
) -> None:
    key = write(folder / "key", "hunter2 \n")
    write(folder / "cohort.toml", text, mode=0o644)  # it holds no secret
    assert _held(dotted) == "hunter2"
    assert read_settings().source(dotted) == ("file", "cohort.toml, line 2")

    key.chmod(0o640)
    fault = refused()
    assert (fault.code, "chmod 600" in fault.says) == ("settings-open", True)
    key.unlink()
    assert "no such file" in refused().says

    monkeypatch.setenv(variable, str(write(folder / "other", "hunter3")))
    (folder / "cohort.toml").unlink()
    assert _held(dotted) == "hunter3"
    assert read_settings().source(dotted) == ("environment", variable)
    monkeypatch.setenv(variable, "other")
    assert "write the whole path" in refused().says


def test_the_address_of_the_record_may_stand_in_a_file(folder: Path) -> None:
    write(folder / "db", "postgresql://cohort:hunter2@db/cohort\n")
    write(folder / "cohort.toml", 'record_url_file = "db"\n', mode=0o644)
    assert load_settings().record_url == "postgresql://cohort:hunter2@db/cohort"
    write(folder / "db", "mysql://cohort:hunter2@db/cohort\n")
    assert "hunter2" not in refused().says


@pytest.mark.parametrize(
    ("secret", "text", "says"),
    [
        ("", "[sms]\ntoken_file = 'key'", "must hold the secret alone"),
        ("a\nb\n", "[sms]\ntoken_file = 'key'", "must hold the secret alone"),
        ("a", "[sms]\ntoken_file = 'key'\ntoken = 'hunter4'", "are both given"),
    ],
)
def test_a_secret_that_cannot_be_told_is_refused(
    folder: Path, secret: str, text: str, says: str
) -> None:
    write(folder / "key", secret)
    write(folder / "cohort.toml", text)
    fault = refused()
    assert (fault.code, "hunter4" in fault.says) == ("secret-file", False)
    assert says in fault.says


def test_the_nearer_of_two_layers_gives_the_secret_however_it_stands_there(
    practice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(practice.parent.parent / "key", "from the base")
    write(practice.parent.parent / "base.toml", GATEWAY + 'token_file = "key"\n')
    assert _held("sms.token") == "from the base"
    monkeypatch.setenv("COHORT_SMS__TOKEN", "from the environment")
    assert _held("sms.token") == "from the environment"


# --- all of it, before the night ---------------------------------------------------------------------


def test_every_fault_of_every_kind_is_told_at_once_and_nothing_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One check tells what would otherwise come one night after the other."""
    monkeypatch.setenv("COHORT_HALT__FALURES", "3")
    path = write(
        folder / "other.toml",
        '[sms]\nurl = "http://sms.example.org"\ngateway_class = "B"\ntoken_file = "none"\n'
        '[email]\nhost = "relay"\nsender = "nobody"\n[receipts]\nsecret = "short"\n'
        '[hours]\ncountry = "XX"\n[organisation]\nchannels = ["fax"]\n',
        mode=0o644,
    )
    faults, _ = check_settings(path)
    assert sorted({fault.code for fault in faults}) == [
        "gateway-insecure", "gateway-sender", "holidays-unknown", "receipts-secret",
        "secret-file", "settings", "settings-open",
    ]  # fmt: skip
    told = "; ".join(fault.says for fault in faults)
    assert ("COHORT_HALT__FALURES" in told, "organisation.channels" in told) == (True, True)
    assert sorted(p.name for p in folder.iterdir()) == ["other.toml"]


def test_a_file_of_which_nothing_is_wrong_has_no_fault_and_notes_what_is_missing(
    folder: Path,
) -> None:
    path = write(folder / "good.toml", GATEWAY)
    faults, remarks = check_settings(path)
    assert faults == []
    assert any("nothing receives them" in remark for remark in remarks)


SNS = '[gateways.aws]\ntype = "sns"\nregion = "eu-west-2"\naccess_key = "A"\nsecret_key = "S"\n'
UNUSED = "no channel leaves by"
UNHEARD = "could tell what became of a message"
LOST = "delivery receipts of texts are expected"


@pytest.mark.parametrize(
    ("text", "remarks"),
    [
        (GATEWAY, [LOST]),
        (GATEWAY + SNS, [LOST, f"{UNUSED} gateways.aws"]),
        # Texts leave by another one: whoever is to tell of them is not [sms]
        (GATEWAY + SNS + '[channels.sms]\ngateways = ["aws"]\n', [f"{UNUSED} sms"]),
        (TEXTS + 'url = "https://a.example/"\n[channels.sms]\ngateways = ["texts"]\n',
         [f"gateways.texts {UNHEARD}"]),
        (TEXTS + 'url = "https://a.example/"\ncallback_secret = "a secret of 20 letters"\n'
         '[channels.sms]\ngateways = ["texts"]\n', []),
    ],
)  # fmt: skip
def test_a_gateway_that_nothing_leaves_by_or_of_which_nothing_is_heard_is_remarked(
    folder: Path, text: str, remarks: list[str]
) -> None:
    _, found = check_settings(write(folder / "it.toml", text))
    told = [one for one in found if any(kind in one for kind in (UNUSED, UNHEARD, LOST))]
    assert [any(kind in one for one in told) for kind in remarks] == [True] * len(remarks), told
    assert len(told) == len(remarks), told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[sms", "settings-file"),
        ('[organisation]\ntime_zone = "Europe/Lodon"', "settings"),
        ('[sms]\nurl = "https://sms.example.org"', "settings"),
        ('home = "file/below"', "settings-folder"),
        ('record_url = "sqlite:///file/record.db"', "settings-folder"),
        (TEXTS + 'url = "http://elsewhere.example/"', "gateway-insecure"),
        (TEXTS + 'url = "https://elsewhere.example:no/"', "gateway-url"),
        (
            TEXTS + 'url = "https://a.example/"\nbalance_url = "http://a.example/"',
            "gateway-insecure",
        ),
    ],
)
def test_each_kind_of_fault_has_its_code(folder: Path, text: str, code: str) -> None:
    write(folder / "file", "")
    faults, _ = check_settings(write(folder / "it.toml", text))
    assert [fault.code for fault in faults] == [code]


def test_a_file_that_is_not_there_is_a_fault(folder: Path) -> None:
    faults, _ = check_settings(folder / "none.toml")
    assert [fault.code for fault in faults] == ["settings-file"]
