"""docs/settings.md lists every setting as the program has it."""

from clinic.settings import Settings
from clinic.settings.page import PAGE, settings_page


def test_the_page_of_settings_is_current() -> None:
    """After a change of a setting: python -m clinic.settings.page"""
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_a_setting_is_listed_with_default_choices_and_bounds() -> None:
    """What somebody who writes `cohort.toml` asks of a setting."""
    page = settings_page()
    assert (
        '| `email.tls` | `"starttls"` | Encryption; one of `none`, `starttls`, `implicit` |' in page
    )
    assert (
        "| `sms.per_request` | `100` | Most messages per request; at least 1; at most 1,000 |"
        in page
    )
    assert [
        name
        for name in Settings.model_fields
        if f"`{name}`" not in page and f"`[{name}]`" not in page
    ] == []
