"""
What is on this machine is never asked for through a proxy, whatever the environment says of proxies.

Gateways do not go by the environment at all: they have a setting of their own, `sms.proxy_url`.
"""

from __future__ import annotations

import ipaddress
import os
import urllib.parse
from collections.abc import MutableMapping
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY", "SOCKS_PROXY")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, as far as its text says."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def drop_proxies(url: str, environment: MutableMapping[str, str] = os.environ) -> None:
    """
    Forget the environment's proxies where Prefect's server, at this URL, is on this machine.

    An exception from them (NO_PROXY) would not do: a kind of proxy that Prefect's client does not know
    (SOCKS) ends it before it asks anybody.
    """
    if is_loopback(url):
        for name in _PROXIES:
            environment.pop(name, None)
            environment.pop(name.lower(), None)


def no_proxy() -> dict[str, str]:
    """NO_PROXY with this machine in it, for a server elsewhere. Some read the one name, some the other."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    named = [name.strip() for name in given.split(",") if name.strip()]
    hosts = ",".join([*named, *(host for host in LOOPBACK if host not in named)])
    return {"NO_PROXY": hosts, "no_proxy": hosts}
