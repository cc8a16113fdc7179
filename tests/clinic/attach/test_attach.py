"""Documents: read whole, cleaned, scanned; whatever else they are, they are not taken in (ACX-4, ACX-10)."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from clinic.attach.apart import clean_apart, picture_of
from clinic.attach.limits import LARGEST, Unfit
from clinic.attach.take_in import content_of, read_attachment, take_in
from clinic.errors import CohortRefused
from clinic.record.database import Record
from clinic.record.schema.door.links import attachment
from tests import documents
from tests.clinic.attach.scanner import scanner
from tests.documents import EICAR, lively_pdf, pdf_of
from tests.fakes import FakeClock
from tests.main_job import Practice


@pytest.fixture
def practice(sqlite_record_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Practice]:
    record = Record.open(sqlite_record_url)
    yield Practice(record, clock, tmp_path)
    record.close()


def test_what_acts_by_itself_is_gone_and_a_link_to_the_web_stays() -> None:
    content = lively_pdf()
    made = clean_apart(content)
    with pikepdf.open(io.BytesIO(made.content)) as pdf:
        every = b"".join(each.unparse(resolved=False) for each in pdf.objects)
        links = [str(one.A.URI) for one in pdf.pages[0].obj.Annots]
    assert links == ["https://www.nhs.uk/"]
    for word in (
        b"JavaScript",
        b"alert",
        b"calc",
        b"Launch",
        b"EmbeddedFile",
        b"OpenAction",
        b"Secret",
    ):
        assert word not in every + made.content
    assert (made.kind, made.pages) == ("pdf", 1)
    assert clean_apart(content) == made  # the same digest each time


def test_what_stands_around_a_document_is_gone() -> None:
    """A file that is two things at once comes out as one of them."""
    tail = b"PK\x03\x04<script>alert(1)</script>" + EICAR
    for content in (
        pdf_of() + tail,
        documents.picture_of("PNG") + tail,
        documents.picture_of("JPEG") + tail,
    ):
        made = clean_apart(content)
        assert b"alert" not in made.content
        assert b"EICAR" not in made.content


def test_a_picture_keeps_how_it_is_turned_and_loses_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "NHS 999 000 0000"
    made = clean_apart(documents.picture_of("JPEG", (60, 40), exif=exif))
    with Image.open(io.BytesIO(made.content)) as found:
        assert found.size == (40, 60)
        assert not found.getexif()
    assert b"999 000" not in made.content


def _bomb_png() -> bytes:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    return out.getvalue()


def _bomb_pdf() -> bytes:
    """Objects that are 8 GB when unpacked."""
    packer = zlib.compressobj(9)
    zeros = bytes(16 * 1024**2)
    packed = b"".join(packer.compress(zeros) for _ in range(128)) + packer.flush()
    head = b"%PDF-1.5\n1 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length "
    body = head + str(len(packed)).encode() + b">>\nstream\n" + packed + b"\nendstream\nendobj\n"
    return body + b"trailer\n<</Root 2 0 R>>\nstartxref\n0\n%%EOF"


def _encrypted() -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf_of())) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    return out.getvalue()


def _hidden_script() -> bytes:
    """A script where no program looks for one, behind what is kept of a page."""
    made = pikepdf.new()
    page = made.add_blank_page()
    page.obj.Resources = pikepdf.Dictionary(
        Properties=pikepdf.Dictionary(X=pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="x"))
    )
    page.obj.Contents = made.make_stream(b"/X /X BDC EMC")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: b"", "no PDF, PNG or JPEG"),
        (lambda: b"<html><script>alert(1)</script>", "no PDF, PNG or JPEG"),
        (lambda: b"#!/bin/sh\n" + pdf_of(), "no PDF, PNG or JPEG"),
        (lambda: b"GIF89a/*" + pdf_of(), "no PDF, PNG or JPEG"),
        (lambda: b"PK\x03\x04" + bytes(30), "no PDF, PNG or JPEG"),
        (lambda: b"MZ" + bytes(200), "no PDF, PNG or JPEG"),
        (lambda: EICAR, "no PDF, PNG or JPEG"),
        (lambda: b"%PDF-1.7\n" + EICAR, "cannot be read whole"),
        (lambda: documents.picture_of("PNG")[:-30], "cannot be read whole"),
        (lambda: documents.picture_of("JPEG")[:300], "cannot be read whole"),
        (lambda: pdf_of(51), "51 pages"),
        (_encrypted, "password"),
        (_hidden_script, "acts by itself"),
        (_bomb_png, "million dots"),
        (_bomb_pdf, "memory or time|cannot be read whole|pages"),
    ],
)
def test_what_is_no_document_is_not_taken_in(make: Any, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        clean_apart(make())


def test_a_page_is_shown_as_a_picture() -> None:
    """ACX-13."""
    content = clean_apart(pdf_of(2)).content
    made = picture_of(content, 2)
    with Image.open(io.BytesIO(made.content)) as found:
        assert found.size[0] > 500
    assert made.pages == 2
    with pytest.raises(Unfit, match="no page 3"):
        picture_of(content, 3)


def test_it_is_kept_once_by_its_digest_under_a_name_that_harms_nobody(practice: Practice) -> None:
    """ACX-12: the name of the document is shown."""
    path = practice.folder / 'Flu <b>leaflet"; \n2026.EXE.pdf'
    path.write_bytes(lively_pdf())
    own = (practice.record, practice.clock, practice.settings)
    first, second = take_in(*own, path, by="nia"), take_in(*own, path, by="mair")
    assert first == second
    assert first.name == "Flu bleaflet 2026.EXE.pdf"
    with practice.record.read() as connection:
        assert read_attachment(connection, first.sha256) == first
        assert b"JavaScript" not in content_of(connection, first.sha256)
    assert practice.count(attachment) == 1


def test_five_megabytes_may_be_and_one_byte_more_may_not(practice: Practice) -> None:
    path = practice.folder / "large.pdf"
    own = (practice.record, practice.clock, practice.settings)
    content = pdf_of()
    path.write_bytes(content + b"\n" * (LARGEST - len(content)))
    assert take_in(*own, path, by="nia").size < 5_000
    path.write_bytes(content + b"\n" * (LARGEST + 1 - len(content)))
    with pytest.raises(CohortRefused, match="larger than 5 MB"):
        take_in(*own, path, by="nia")
    with pytest.raises(CohortRefused, match="No such file"):
        take_in(*own, practice.folder / "not.pdf", by="nia")


@pytest.mark.parametrize(
    ("answers", "code", "says"),
    [
        (("ClamAV 1.4.6/27840/{now}", "stream: OK"), None, ""),
        (
            ("ClamAV 1.4.6/27840/{now}", "stream: Eicar FOUND"),
            "attachment-refused",
            "found something",
        ),
        (("ClamAV 1.4.6/27840/{old}", "stream: OK"), "attachment-not-scanned", "too old"),
        (("ClamAV 1.4.6", "stream: OK"), "attachment-not-scanned", "no signatures"),
        (
            ("ClamAV 1.4.6/27840/{now}", "INSTREAM size limit exceeded. ERROR"),
            "attachment-not-scanned",
            "end",
        ),
        (("ClamAV 1.4.6/27840/{now}", None), "attachment-not-scanned", "scanner"),
        (("ClamAV 1.4.6/27840/{now}", ""), "attachment-not-scanned", "end"),
        ((None, None), "attachment-not-scanned", "does not answer|no signatures"),
    ],
)
def test_a_scanner_that_does_not_clearly_say_yes_says_no(
    practice: Practice, answers: tuple[str | None, str | None], code: str | None, says: str
) -> None:
    """It fails closed: killed in the middle, without signatures, with old ones, too large for it."""
    path = documents.leaflet(practice.folder)
    with scanner(practice.clock.now(), *answers) as there:
        own = practice.settings.attachments.model_copy(update={"clamd": there})
        settings = practice.settings.model_copy(update={"attachments": own})
        if code is None:
            assert take_in(practice.record, practice.clock, settings, path, by="nia").pages == 2
            return
        with pytest.raises(CohortRefused, match=says) as refused:
            take_in(practice.record, practice.clock, settings, path, by="nia")
    assert refused.value.code == code
    assert practice.count(attachment) == 0


def test_no_scanner_where_one_is_set_is_a_refusal(practice: Practice) -> None:
    own = practice.settings.attachments.model_copy(update={"clamd": "/nowhere/clamd.ctl"})
    settings = practice.settings.model_copy(update={"attachments": own})
    with pytest.raises(CohortRefused, match="does not answer"):
        take_in(
            practice.record, practice.clock, settings, documents.leaflet(practice.folder), by="nia"
        )
