"""
NHS England's own client of MESH, as far as reports need it: send, find by our own id, and what became of it.

It is an extra (`pip install "cohort[mesh]"`) and loaded only here. It repeats nothing by itself, since what is
sent twice would be two reports, follows no redirect, and uses no proxy of the environment.
"""

from __future__ import annotations

import re
import warnings
from typing import Any, Protocol

from clinic.errors import SettingsWrong
from clinic.settings import Mesh


class NotSent(Exception):
    """MESH has it not: nothing was sent to it, or it said no before it took anything."""


class Unsure(Exception):
    """Whether MESH has it is not known."""


class PostRefused(Exception):
    """MESH says no, with a code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Post(Protocol):
    """What sends reports."""

    def send(self, local_id: str, filename: str, data: bytes) -> str:
        """
        Hand it over; MESH's id of it.

        Raises:
            NotSent, Unsure, PostRefused: what is known otherwise
        """

    def find(self, local_id: str) -> str | None:
        """
        MESH's id of what we sent under this id; None: MESH has nothing of it.

        Raises:
            Unsure: it did not say
        """

    def status(self, message_id: str) -> str:
        """
        "accepted", "acknowledged", or another word of MESH's.

        Raises:
            Unsure: it did not say
        """

    def close(self) -> None:
        """Give back connections."""


class MeshPost:
    """Our mailbox at MESH."""

    def __init__(self, settings: Mesh) -> None:
        """
        Connects at the first request.

        Raises:
            SettingsWrong: the extra is not installed
        """
        try:
            import mesh_client
            import requests
        except ImportError:
            raise SettingsWrong(
                "mesh-missing",
                "reports by MESH need NHS England's client: pip install 'cohort[mesh]'",
            ) from None
        self._settings, self._mesh, self._requests = settings, mesh_client, requests
        certificate = (settings.certificate_file, settings.key_file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._client = mesh_client.MeshClient(
                settings.url,
                settings.mailbox,
                settings.password.get_secret_value(),
                shared_key=settings.shared_key.get_secret_value().encode(),
                cert=certificate if settings.certificate_file else None,
                verify=settings.authority_file or None,
                max_retries=0,
                timeout=settings.timeout_seconds,
                application_name="cohort",
            )
        session = self._client._session  # what it has no setting for
        session.trust_env, session.max_redirects = False, 0

    def send(self, local_id: str, filename: str, data: bytes) -> str:
        own = self._settings
        try:
            return str(
                self._client.send_message(
                    own.to_mailbox, data, compress=True, workflow_id=own.workflow_id,
                    filename=filename, local_id=local_id, content_type="text/csv",
                )
            )  # fmt: skip
        except self._mesh.MeshError as error:
            problem: Exception = PostRefused(_code(error))
        except self._requests.RequestException as error:
            problem = NotSent() if self._never_left(error) else Unsure()
        except ValueError:  # an answer that is no JSON
            problem = Unsure()
        raise problem  # outside, so that nothing of the file hangs on it

    def find(self, local_id: str) -> str | None:
        # The client has no method for it: MESH's own tracking by the sender's id
        url = f"{self._client.mailbox_url}/outbox/tracking/{local_id}"
        try:
            answer = self._client._session.get(url, timeout=self._settings.timeout_seconds)
            found = answer.json() if answer.status_code == 200 else {}
            status = answer.status_code
        except (self._requests.RequestException, ValueError):
            status, found = 0, {}
        if status == 404:
            return None
        message_id = str(found.get("messageId") or found.get("message_id") or "")
        if status != 200 or not message_id:
            raise Unsure
        return message_id

    def status(self, message_id: str) -> str:
        try:
            found: Any = self._client.track_message(message_id)
        except (self._requests.RequestException, ValueError):
            found = None
        if not isinstance(found, dict) or not found.get("status"):
            raise Unsure
        return str(found["status"]).lower()

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # theirs

    def _never_left(self, error: Exception) -> bool:
        """Whether no connection came about."""
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        refused = type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
        return refused or isinstance(error, self._requests.ConnectTimeout)


def _code(error: Exception) -> str:
    """MESH's code of a refusal; its words stay unsaid."""
    said: Any = error.args[1] if len(error.args) > 1 else {}
    detail = said.get("detail") if isinstance(said, dict) else None
    first = detail[0] if isinstance(detail, list) and detail else said
    code = str(first.get("code") or first.get("errorCode") or "") if isinstance(first, dict) else ""
    return code if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", code) else "refused"
