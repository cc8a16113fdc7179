"""Where a provider is: fit for patients' data, and what is proven when it cannot be reached."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from clinic.errors import SettingsWrong
from clinic.gateway.http.line import LOOPBACK


def secure_url(base: str, setting: str) -> URL:
    """
    A provider's address, fit for patients' data. `setting`: where it is set, as gateways.notify.url.

    Raises:
        SettingsWrong: it is none, or would carry them in clear
    """
    try:
        parts, url = urlsplit(base), URL(base.rstrip("/"))
    except ValueError:  # a port or a bracket that is none
        parts, url = urlsplit(""), URL()
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise SettingsWrong(
            "gateway-url",
            f"{setting} must look like https://sms.example.org/v1; correct cohort.toml",
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingsWrong(
            "gateway-insecure",
            f"{setting} is http:// to another machine, which would carry numbers and texts in "
            "clear; use https://",
        )
    return url


def unreachable(error: aiohttp.ClientError, section: str) -> tuple[str | None, str]:
    """Nothing was written to the provider: whether a person must look, and what is wrong."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        passing = error.status >= 500 or error.status == 429
        says = f"the proxy of {section}.proxy_url lets nothing through: it answers {error.status}"
        return None if passing else "gateway-proxy", says
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return (
            None,
            f"the proxy cannot be reached: no connection to the host of {section}.proxy_url",
        )
    untrusted = isinstance(error, aiohttp.ClientConnectorCertificateError)
    says = f"the provider cannot be reached: no connection to the host of {section}.url"
    return "gateway-tls" if untrusted else None, says
