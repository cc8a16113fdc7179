"""The number formats of an .xlsx, by the number of the style that a cell names."""

from __future__ import annotations

import zipfile
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from clinic.cohort.files.sheets.workbook import Workbook, damaged

_PART = "xl/styles.xml"
# Those that every file may name without saying what they are (ECMA-376 part 1, 18.8.30)
_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00",
    12: "# ?/?", 13: "# ??/??", 14: "dd/mm/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy",
    18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "dd/mm/yyyy h:mm",
    37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00", 40: "#,##0.00;-#,##0.00",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "0.0E+0", 49: "@",
}  # fmt: skip


def number_formats(book: Workbook) -> tuple[str, ...]:
    """
    Format codes in the order of the styles; "" for General and for what has no code.

    Raises:
        ListRefused: the part with the styles is broken
    """
    try:
        with zipfile.ZipFile(book.path) as archive:
            if _PART not in archive.namelist():
                return ()
            styles = fromstring(archive.read(_PART))
        own: dict[int, str] = {}
        used: list[int] = []
        for element in styles:
            name = element.tag.rpartition("}")[2]
            if name == "numFmts":
                own |= {int(one.attrib["numFmtId"]): one.attrib["formatCode"] for one in element}
            elif name == "cellXfs":
                used = [int(one.attrib.get("numFmtId", 0)) for one in element]
    except (LookupError, ValueError, EOFError, ParseError, DefusedXmlException):
        raise damaged(book.path.name) from None
    return tuple(own.get(one, _BUILT_IN.get(one, "")) for one in used)
