"""NEW-35: docs/data-protection.md is what the catalogue says."""

from clinic.personal_data.catalogue import CATALOGUE
from clinic.personal_data.page import PAGE, data_protection_page


def test_the_page_is_as_the_catalogue_has_it() -> None:
    """After a change of an entry: python -m clinic.personal_data.page"""
    assert PAGE.read_text(encoding="utf-8") == data_protection_page()


def test_each_table_and_each_column_of_a_person_is_on_it() -> None:
    """NEW-35: an officer finds every place by its name."""
    page = data_protection_page().partition("## Table by table")[2]
    for one in CATALOGUE.values():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{one.name}` |"))
        assert all(name in line for name in one.kinds), one.name
