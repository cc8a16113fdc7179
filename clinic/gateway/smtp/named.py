"""A relay for e-mail by a name of its own: `[gateways.NAME]` of type smtp."""

from __future__ import annotations

import ssl

from clinic.clock import SystemClock
from clinic.errors import GatewayRefused
from clinic.gateway.look import Look
from clinic.gateway.opening import Opening
from clinic.gateway.smtp.connection import Connection
from clinic.gateway.smtp.email import Manner, Smtp
from clinic.gateway.smtp.login import trust_of
from clinic.gateway.smtp.reply import no_connection
from clinic.gateway.smtp.stamp import stamp_of
from clinic.gateway.smtp.tokens import tokens_of
from clinic.settings.gateways.smtp import SmtpGateway


class NamedSmtp(Smtp):
    """Sends e-mails through the relay of a section."""

    def __init__(self, settings: SmtpGateway, opening: Opening) -> None:
        section = f"gateways.{opening.name}"
        clock = opening.clock or SystemClock()
        super().__init__(
            settings,
            sender_name=opening.sender_name,
            clock=clock,
            # A letter may wait for a connection, and then for its own answers
            begin_within=max(1.0, opening.call_seconds - 3 * settings.timeout_seconds),
            trust=opening.trust or trust_of(settings.authority_file, section),
            unsubscribe_url=opening.unsubscribe_url,
            manner=Manner(
                name=opening.name,
                section=section,
                mechanism=settings.auth,
                tokens=tokens_of(settings, section=section, clock=clock),
                clear=settings.clear_network,
                stamp=stamp_of(settings, opening.name, opening.secret),
                verp=settings.verp,
                html=settings.html,
                success=settings.success_reports,
            ),
        )
        self._section = section

    def look(self) -> list[Look]:
        """Connect, encrypt, log in; nothing is sent."""
        try:
            connection = self.pool.connect()
        except GatewayRefused as error:
            return [Look(False, error.says)]
        except OSError as error:
            return [Look(False, no_connection(error, self._section))]
        try:
            return [Look(True, self._seen(connection))]
        finally:
            connection.close()

    def _seen(self, connection: Connection) -> str:
        own = self._settings
        socket = connection.sock
        way = f"encrypted ({socket.version()})" if isinstance(socket, ssl.SSLSocket) else "in clear"
        login = "it takes our login" if own.user else "no login is set"
        size = connection.esmtp_features.get("size", "").strip()
        largest = f"largest mail {int(size):,} bytes" if size.strip("0").isdecimal() else ""
        offers = [name for name in ("PIPELINING", "DSN") if connection.has_extn(name)]
        offered = f"offers {', '.join(offers)}" if offers else "offers neither PIPELINING nor DSN"
        return "; ".join(filter(None, [f"{way}, {login}", largest, offered]))
