"""Whether what people type reaches this machine alone, or through a proxy that ends TLS."""

from __future__ import annotations

from clinic.errors import SettingsWrong
from clinic.settings.systems.pages import Pages


def require_encrypted(own: Pages, name: str, what: str) -> None:
    """
    Refuse to listen in clear on a network.

    Args:
        name: of the section of the settings
        what: would travel in clear

    Raises:
        SettingsWrong: it would listen so
    """
    if not own.address and not own.is_local:
        raise SettingsWrong(
            f"{name}-not-encrypted",
            f"{name}.host is {own.host}, and {what} would travel in clear: set {name}.address to the https:// "
            f"address of the proxy before it (docs/{name}.md)",
        )
