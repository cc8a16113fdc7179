"""The page of a list's checks: whole in itself, true to the verdict, and nobody's data in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from clinic.settings import Gate
from data_checks.gate.gate import judge_list
from data_checks.gate.suites import CEILINGS
from data_checks.gate.verdict import Check, Verdict
from data_checks.lists.report import HEADLINES, Remark, render_html
from tests.data_checks.rows import flags

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Reads a page, and fails on a tag that is closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(word for word in self.words if word)


def page_of(verdict: Verdict, title: str = "Flu clinic") -> str:
    return render_html(
        title, {"The list as a whole": verdict}, {"accepted": 70, "patient_dead": 30}
    )


@pytest.fixture(scope="module")
def stopped() -> Verdict:
    return judge_list(flags(100, patient_dead=30, unreadable_row=1), gate=Gate())


def test_the_page_loads_nothing_and_links_nowhere(stopped: Verdict) -> None:
    """It is opened from a disk, offline, and the browser itself is told to fetch nothing."""
    html = page_of(stopped)
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "a", "form", "object"} & set(page.tags)
    assert not {"src", "href", "action"} & {name for name, _ in page.attributes}
    assert "//" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_every_check_and_count_is_on_the_page(stopped: Verdict) -> None:
    text = Page(page_of(stopped)).text
    assert all(check.says in text for check in stopped.checks)
    assert HEADLINES["stop"][0] in text
    assert "patient_dead Left out The patient is deceased." in text
    assert "30 30%" in text
    assert text.count("failed") == 2  # the mark, and the banner's "failed checks"
    assert text.count("look first") == 1


@pytest.mark.parametrize("outcome", ["pass", "warn", "stop"])
def test_the_banner_says_the_worst_of_all_verdicts(outcome: str) -> None:
    """In a word, not by colour alone."""
    severity = "critical" if outcome == "stop" else "warning"
    worst = Verdict.of((Check("x", "It is so.", severity, passed=outcome == "pass"),))
    fine = Verdict.of((Check("y", "All is well.", "critical", passed=True),))
    text = Page(render_html("List", {"A": fine, "B": worst}, {})).text
    assert HEADLINES[outcome][0] in text


def test_a_check_that_could_not_run_is_marked_so() -> None:
    lost = Check("x", "It could not be carried out.", "warning", passed=False, errored=True)
    assert "could not run" in Page(page_of(Verdict.of((lost,)))).text


def test_titles_and_remarks_are_text_never_markup(stopped: Verdict) -> None:
    """A list's name is typed by people: what looks like a tag is shown as it was typed."""
    title = '<script>alert("x")</script> & <b>more</b>'
    html = render_html(
        title, {"<i>A</i>": stopped}, {}, remarks=[Remark("<u>odd</u>", 2, "<s>row 3</s>")]
    )
    page = Page(html)
    assert not {"script", "b", "i", "u", "s"} & set(page.tags)
    assert title in page.text
    assert "<u>odd</u> <s>row 3</s> 2" in page.text


def test_a_code_of_no_outcome_is_shown_bare(stopped: Verdict) -> None:
    assert "seen_elsewhere" in Page(render_html("List", {"A": stopped}, {"seen_elsewhere": 1})).text


def test_tables_can_be_read_aloud(stopped: Verdict) -> None:
    """Headings have a scope, sections a name, the page a language."""
    html = page_of(stopped)
    assert '<html lang="en-GB">' in html
    assert re.findall(r"<th(?! scope=)", html.replace("<thead", "<THEAD")) == []
    named = re.findall(r'aria-labelledby="([^"]+)"', html)
    assert named
    assert all(f'id="{name}"' in html for name in named)


def test_the_page_has_no_figure_of_a_patient(stopped: Verdict) -> None:
    """Every run of digits on it is a count, a share or a ceiling of the verdict."""
    says = " ".join(c.says for c in stopped.checks) + " 70 30 100 70% 30%"
    allowed = says + " ".join(f" {100 * c.allowed(Gate()):g}%" for c in CEILINGS)
    body = Page(page_of(stopped)).text
    assert set(re.findall(r"\d[\d,.]*\d|\d", body)) <= set(re.findall(r"\d[\d,.]*\d|\d", allowed))
