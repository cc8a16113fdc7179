"""Documents that people attach, harmless and not; and a campaign that leads to one."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pikepdf
from PIL import Image

from clinic.attach.take_in import take_in
from clinic.gateway.protocol import Answer, Outgoing
from tests.fakes import FakeGateway
from tests.main_job import Practice

BORN: Final = date(1984, 3, 15)
LINK: Final = re.compile(r"https?://\S+/p/([A-Za-z0-9_-]{22})")
EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def pdf_of(pages: int = 1, **root: Any) -> bytes:
    """A PDF of empty pages, with further entries of its root."""
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page()
    for name, value in root.items():
        made.Root[f"/{name}"] = value
    return _saved(made)


def lively_pdf() -> bytes:
    """One that does all that it can by itself, and says who made it."""
    name, array, dictionary = pikepdf.Name, pikepdf.Array, pikepdf.Dictionary
    made = pikepdf.new()
    page = made.add_blank_page()
    script = dictionary(S=name.JavaScript, JS="app.alert(1)")
    made.Root.OpenAction = script
    made.Root.AA = dictionary(WC=script)
    made.attachments["x.exe"] = pikepdf.AttachedFileSpec(made, b"MZ...", filename="x.exe")
    made.Root.Names.JavaScript = dictionary(Names=array([pikepdf.String("a"), script]))
    page.obj.AA = dictionary(O=script)
    page.obj.Annots = array(
        [
            dictionary(Type=name.Annot, Subtype=name.Link, Rect=array([0, 0, 9, 9]), A=one)
            for one in (
                dictionary(S=name.Launch, F="calc.exe"),
                dictionary(S=name.URI, URI="javascript:alert(1)"),
                dictionary(S=name.URI, URI="https://www.nhs.uk/", Next=script),
            )
        ]
    )
    made.docinfo["/Author"] = "Dr A Secret"
    return _saved(made)


def _saved(made: pikepdf.Pdf) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def picture_of(kind: str, size: tuple[int, int] = (60, 40), **saved: Any) -> bytes:
    """A picture."""
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **saved)
    return out.getvalue()


class Keeping(FakeGateway):
    """Keeps what it was given, call by call."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.given: list[dict[int, str]] = []

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        self.given.append({one.reference: one.body for one in messages})
        return super().send(key, messages, per_request=per_request, only=only)


def attach(practice: Practice, content: bytes, name: str = "Flu leaflet.pdf") -> str:
    """Take a document in; its SHA-256."""
    path = practice.folder / name
    path.write_bytes(content)
    return take_in(practice.record, practice.clock, practice.settings, path, by="nia").sha256


def with_door(practice: Practice, address: str = "https://msg.example.org") -> None:
    """Where its patients reach the door."""
    own = practice.settings.door.model_copy(update={"address": address})
    practice.settings = practice.settings.model_copy(update={"door": own})


def send_document(practice: Practice, count: int = 2, gateway: Keeping | None = None) -> list[str]:
    """Send `count` patients, all born on BORN, a leaflet; the tokens in the order of the list."""
    for n in range(1, count + 1):
        practice.patient(n, birth_date=BORN)
    practice.gateway = kept = gateway or Keeping()
    sha256 = attach(practice, pdf_of(2))
    practice.run(practice.everybody(count), attachment_sha256=sha256)
    bodies = kept.given[-1]
    return [LINK.findall(bodies[reference])[0] for reference in sorted(bodies)]


def leaflet(folder: Path) -> Path:
    """A file with a leaflet."""
    path = folder / "Flu leaflet.pdf"
    path.write_bytes(pdf_of(2))
    return path
