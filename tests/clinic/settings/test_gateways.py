"""`[gateways.NAME]`: what it may say, by which channel it sends, where secrets come from (issue 18)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from clinic.errors import SettingsWrong
from clinic.gateway.choose import gateway_for, is_set
from clinic.gateway.named import KINDS
from clinic.gateway.processors import channels_of, is_outside, processors_of
from clinic.health.settings_check import check_settings
from clinic.record.database import Record
from clinic.settings import HttpGateway, Settings, read_settings
from clinic.settings.gateways.sip import SipTrunk
from clinic.settings.gateways.smpp import SmppGateway
from clinic.settings.gateways.smtp import SmtpGateway
from clinic.settings.section import named_sections_of

KEY = "key-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
NOTIFY = (
    f'[gateways.notify]\ntype = "govuk_notify"\napi_key = "{KEY}"\nsms_template = "{TEMPLATE}"\n'
)
JSON = (
    '[gateways.texts]\ntype = "json"\nurl = "https://sms.example.org"\ngateway_class = "B"\n'
    'body = { to = "{to}", text = "{body}", ref = "{reference}" }\n'
    'id_at = "id"\n'
)
SMTP = '[gateways.mail]\ntype = "smtp"\nhost = "mail.example.org"\nsender = "p@example.org"\n'
BOTH = NOTIFY + JSON
TWO = '[channels.sms]\ngateways = ["notify", "texts"]\n'


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


def test_a_channel_leaves_by_the_gateway_that_it_names(config: Path) -> None:
    """Today's [sms] stays as it is, for what was begun through it."""
    old = '[sms]\nurl = "https://old.example.org"\ngateway_class = "I"\n'
    settings = load(config, old + NOTIFY + '[channels.sms]\ngateways = ["notify"]\n')
    assert settings.gateway_name("sms") == "notify"
    assert settings.gateway_name("email") is None
    assert is_set(settings, "http-sms")
    assert load(config, old + NOTIFY).gateway_name("sms") == "http-sms"


def test_several_gateways_send_only_where_that_is_asked_for(config: Path) -> None:
    """Off unless asked for: named beside the first, the others do nothing, and `settings check` says so."""
    alone = load(config, BOTH + TWO)
    assert alone.gateway_names("sms") == ("notify",)
    assert channels_of(alone, "texts") == ()
    assert any("notify sends alone" in says for says in check_settings(config)[1])
    both = load(config, BOTH + TWO + 'failover = "order"')
    assert both.gateway_names("sms") == ("notify", "texts")
    assert channels_of(both, "texts") == ("sms",)
    assert not any("sends alone" in says for says in check_settings(config)[1])


def test_a_secret_may_stand_in_a_file_of_its_own(config: Path) -> None:
    secret = config.parent / "key"
    secret.write_text(KEY + "\n")
    secret.chmod(0o600)
    settings = load(config, NOTIFY.replace(f'api_key = "{KEY}"', 'api_key_file = "key"'))
    found = settings.gateways["notify"]
    assert found.model_dump()["api_key"].get_secret_value() == KEY
    secret.chmod(0o644)
    with pytest.raises(SettingsWrong, match="settings-open"):
        read_settings()


def test_the_environment_says_a_setting_of_a_gateway(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT_GATEWAYS__NOTIFY__API_KEY", KEY)
    monkeypatch.setenv("COHORT_GATEWAYS__NOTIFY__PROCESSOR__COUNTRY", "GB")
    monkeypatch.setenv("COHORT_CHANNELS__SMS__GATEWAYS", '["notify"]')
    settings = load(config, NOTIFY.replace(f'api_key = "{KEY}"\n', ""))
    assert settings.gateways["notify"].processor.country == "GB"
    assert settings.gateway_name("sms") == "notify"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[gateways.Notify]\ntype = "sns"', "write a gateway's name in lower-case letters"),
        ('[gateways.outbox]\ntype = "sns"', "write a gateway's name"),
        ('[gateways.notify]\ntype = "pigeon"', "gateways.notify"),
        (NOTIFY + 'sms_tmplate = "x"', "line 5: there is no setting gateways.notify.sms_tmplate; the nearest"),
        (NOTIFY + "connections = 0", "line 5: gateways.notify.connections: input should be greater"),
        (NOTIFY + '[channels.sms]\ngateways = ["notfy"]', "there is no [gateways.notfy]; there: notify"),
        (NOTIFY + '[channels.voice]\ngateways = ["notify"]', "does not send by voice"),
        (NOTIFY + '[channels.sms]\ngateways = ["notify", "notify"]', "gateways: name each gateway once"),
        (BOTH + '[channels.sms]\ngateways = ["notify"]\nfailover = "order"', "needs two gateways or more"),
        (BOTH + TWO + 'share = { notify = 1 }', 'share is for failover = "share"'),
        (BOTH + TWO + 'failover = "share"\nshare = { notify = 1 }', "give each of notify, texts its part"),
        (BOTH + TWO + 'failover = "share"\nshare = { notify = 0.7, texts = 0.7 }', "1 together"),
        (BOTH + TWO + 'failover = "share"\nshare = { notify = 1, texts = 0 }', "parts above 0"),
        (NOTIFY.replace(KEY, "hunter2-hunter2"), "write the whole API key"),
        (JSON.replace("{reference}", "{nhs}"), "{nhs} is not known: use {to}"),
        (JSON.replace("{body}", "hello"), "body must name {to} or {to_digits}, and {body}"),
        (JSON.replace('"B"', '"I"'), "class I needs {key}"),
        (JSON + 'status_at = "status"', "status_at needs accepted"),
        (JSON.replace('id_at = "id"', ""), "set id_at, status_at or both"),
        (JSON + 'status_at = "status"\naccepted = [" "]', "accepted: write each word as it stands"),
        (JSON.replace('"id"', '"messages[0].id"'), "line 6: gateways.texts.id_at: write a place as names"),
        (JSON + 'token_header = "X-Key"', "write a header as"),
        (JSON + 'token_header = "X-Key: {secret}"', "token_header: write a header as"),
        (JSON + 'token_header = "X-Key: {token} {secret}"', "token_header: write a header as"),
        (JSON + 'callback_proof = "X-Key: {token}"', "callback_proof: write a header as"),
        (JSON + 'callback_proof = "X-Key: {secret} {token}"', "callback_proof: write a header as"),
        (JSON + 'callback_proof = "X-Key: {hmac_sha256} {secret}"', "callback_proof: write a header as"),
        (JSON + 'callback_proof = "X-Key: a word"', "callback_proof: write a header as"),
        (JSON + 'proxy_url = "socks5://p:1"', "write the proxy with its port"),
        (JSON + "country_costs = { Ireland = 0.1 }", "write a country as two letters"),
        (SMTP + 'tls = "none"', 'tls = "none" to another machine'),
        (SMTP + 'user = "u"', "password or password_file is missing"),
        (SMTP + 'auth = "xoauth2"\nuser = "u"', 'auth = "xoauth2" needs user, and either access_token_file'),
        (SMTP + 'auth = "xoauth2"\nuser = "u"\nclient_id = "i"\nclient_secret = "hunter2"\n'
         'token_url = "http://login.example.org/token"', "write it as https://"),
        (SMTP + '[channels.sms]\ngateways = ["mail"]', "does not send by sms"),
        (JSON + 'token = "hunter2\\nX: y"', "gateways.texts.token: write it on one line"),
        (JSON + 'headers = { "X-Y" = "a\\nb" }', "its value on one line"),
        (JSON + 'headers = { "X Y" = "a" }', "a header's name in letters"),
        (JSON + 'headers = { Host = "elsewhere.example" }', "host is what each request says by itself"),
        (JSON + 'token = "t"\nheaders = { authorization = "b" }', "headers has the header of token_header"),
        (JSON + 'sender = "a\\r\\nX: y"', "gateways.texts.sender: write it on one line"),
        (JSON + "reject_statuses = [400, 401]", "401 says nothing of one message"),
        (JSON + "reject_statuses = [500]", "500 says nothing of one message"),
        (JSON + "reject_statuses = [429]", "429 says nothing of one message"),
        (JSON + "country_costs = { UK = 0.1 }", "no country with a calling code is UK"),
        (JSON + "country_costs = { IM = 0.1 }", "calling code of IM is that of GB, +44"),
        (JSON + "country_costs = { IE = nan }", "gateways.texts.country_costs"),
        (JSON + "segment_cost = nan", "line 7: gateways.texts.segment_cost: input should be a finite number"),
        (JSON + "segment_cost = inf", "line 7: gateways.texts.segment_cost: input should be a finite number"),
        (JSON + 'currency = "pounds"', "gateways.texts.currency"),
        (JSON + 'currency = "GBPX"', "gateways.texts.currency"),
        (JSON + 'balance_unit = "segmentsx"', "gateways.texts.balance_unit"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_with_its_line_and_without_a_secret(
    config: Path, text: str, says: str
) -> None:
    with pytest.raises(SettingsWrong) as refused:
        load(config, text)
    assert says in refused.value.says
    assert "hunter2" not in refused.value.says
    assert KEY not in refused.value.says


def test_a_gateway_that_is_gone_is_not_replaced_by_another(
    config: Path, sqlite_record: Record
) -> None:
    """A campaign that was begun through one may have messages there: no other one goes on with it."""
    settings = load(config, JSON + '[channels.sms]\ngateways = ["texts"]\n')
    with pytest.raises(SettingsWrong, match="gateway-gone") as refused:
        gateway_for(settings, sqlite_record, "sms", name="notify")
    assert "[gateways.notify]" in refused.value.says
    with pytest.raises(SettingsWrong, match=r"\[sms\]"):
        gateway_for(settings, sqlite_record, "sms", name="http-sms")


def test_every_kind_of_section_has_a_gateway_and_a_type_of_its_own() -> None:
    kinds = named_sections_of(Settings.model_fields["gateways"])
    types = [kind.model_fields["type"].annotation.__args__[0] for kind in kinds]  # type: ignore[union-attr]
    assert sorted(types) == sorted(KINDS)
    assert {kind for kind in kinds if not issubclass(kind, HttpGateway)} == {
        SipTrunk,
        SmppGateway,
        SmtpGateway,
    }


ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
BLOCKS = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
# The first of each name; a later one shows what is different elsewhere
EXAMPLES = {next(iter(one["gateways"])): one for one in reversed(BLOCKS) if "gateways" in one}


def typed_in(value: Any) -> Any:
    """An example with what it leaves to the reader, and its secrets, which stand in files of their own."""
    if not isinstance(value, dict):
        return "AC" + "0" * 32 if value == "AC…" else value
    secret = "api_key_file" if value.get("type") == "govuk_notify" else ""
    return {
        name
        if name in ("key_file", "authority_file", "prompt_file")
        else name.removesuffix("_file"): typed_in(KEY if name == secret else each)
        for name, each in value.items()
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_page_is_whole(name: str) -> None:
    """A section, who processes what it is given, and the channel that leaves by it."""
    settings = Settings.model_validate(typed_in(EXAMPLES[name]))
    (one,) = processors_of(settings)
    assert (one.fault, len(one.channels)) == ("", 1)
    assert not is_outside(one.processor) or one.processor.risk_owner


def test_every_kind_has_an_example() -> None:
    kinds = {each["type"] for one in EXAMPLES.values() for each in one["gateways"].values()}
    assert kinds == set(KINDS)


def test_a_message_to_oneself_is_shown_as_it_must_be_typed() -> None:
    """Without a number it is refused."""
    pages = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("clinic/**/*.py"), *ROOT.glob("cli/**/*.py")]
    found = [
        (path.name, line)
        for path in pages
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"cohort gateways test (?![^`\"]* --to )[^`\"\s]", line)
    ]
    assert not found


def test_a_missing_receipt_is_a_failure_only_where_each_message_is_told_of() -> None:
    """Called failed, it could be sent again: not by SMPP, whose receipts may be lost or find no message."""
    shown = {name: typed_in(one)["gateways"][name] for name, one in EXAMPLES.items()}
    settings = Settings.model_validate({"gateways": shown})
    assert {"smsc", "sns", "mail", "texts"} <= settings.silent_gateways()
    assert not {"nhs", "twilio"} & settings.silent_gateways()
