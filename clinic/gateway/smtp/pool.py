"""The connections to one relay that are kept open: given out one at a time, and taken back if of any use."""

from __future__ import annotations

import ssl
from collections import deque

from clinic.gateway.smtp.connection import Connection
from clinic.gateway.smtp.login import Tokens, connect
from clinic.settings.gateways.relay import Relay


class Pool:
    """Of one gateway; any thread may ask."""

    def __init__(
        self,
        settings: Relay,
        *,
        name: str,
        trust: ssl.SSLContext,
        mechanism: str = "password",
        tokens: Tokens | None = None,
    ) -> None:
        """`name`: ours, for EHLO; the rest as `connect` has it."""
        self._settings, self._name, self._trust = settings, name, trust
        self._mechanism, self._tokens = mechanism, tokens
        self._idle: deque[Connection] = deque()

    def connect(self) -> Connection:
        """
        A new connection, logged in.

        Raises:
            GatewayRefused, OSError: there is none
        """
        return connect(
            self._settings,
            name=self._name,
            trust=self._trust,
            mechanism=self._mechanism,
            tokens=self._tokens,
        )

    def take_idle(self) -> Connection | None:
        """One that can be used at once; those to which the relay has said something since are closed."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_quiet():
                return connection
            connection.close()

    def give_back(self, connection: Connection, command: str, code: int) -> None:
        """
        Keep it for the next envelope, this one emptied, if it is any use.

        Args:
            command, code: the last word on this envelope
        """
        taken = command == "text" and 200 <= code < 300
        try:
            if code == 421 or code < 200 or (not taken and connection.rset()[0] != 250):
                connection.close()
            else:
                self._idle.append(connection)
        except OSError:
            connection.close()

    def close(self) -> None:
        """Say goodbye on every connection."""
        while self._idle:
            connection = self._idle.pop()
            connection.begin()
            try:
                connection.quit()
            except OSError:
                connection.close()
