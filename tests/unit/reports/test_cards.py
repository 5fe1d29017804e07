"""reports.page.cards: labels of the cells of tables; reports.page.glossary: marked words."""

from __future__ import annotations

import re

import pytest

from ipcbench.reports.page.cards import labelled, titles_of
from ipcbench.reports.page.glossary import MEANINGS, Terms

HEAD = '<thead><tr><th scope="col">name</th><th>a "b"</th><th></th></tr></thead>'


def table(rows: str, head: str = HEAD, kind: str = "cards") -> str:
    return f'<table class="{kind}">\n{head}\n<tbody>{rows}</tbody></table>'


def test_each_cell_has_the_title_of_its_column() -> None:
    page = labelled(table('<tr><th scope="row">x</th><td class="n">1</td><td>2</td></tr>'))
    assert '<td class="n" data-label="a &#34;b&#34;">1</td><td>2</td>' in page
    assert "data-label" not in page.partition("<td")[0]


def test_a_label_that_is_there_stays() -> None:
    page = labelled(table('<tr><td>x</td><td data-label="own">1</td></tr>'))
    assert page.count("data-label") == 2
    assert '<td data-label="own">1</td>' in page


def test_a_cell_over_several_columns_shifts_the_next_ones() -> None:
    head = "<thead><tr><th>a</th><th>b</th><th>c</th><th>d</th></tr></thead>"
    page = labelled(table('<tr><td>1</td><td colspan="2">2</td><td>4</td></tr>', head))
    assert re.findall(r'data-label="(\w)"', page) == ["a", "b", "d"]


def test_a_cell_over_a_whole_row_has_no_label() -> None:
    page = table('<tr><td colspan="3"><p>evidence</p></td></tr>')
    assert labelled(page) == page


def test_heads_in_two_rows_are_joined() -> None:
    head = (
        '<tr><th rowspan="2">transport</th><th colspan="2">same core</th>'
        '<th colspan="2">two</th></tr>'
        '<tr><th>C</th><th>Python</th><th>C</th><th>Python<span class="sub">slow</span></th></tr>'
    )
    assert titles_of(head) == [
        "transport", "same core, C", "same core, Python", "two, C", "two, Python",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["grid", "discards", ""])
def test_other_tables_stay_as_they_are(kind: str) -> None:
    page = table("<tr><td>1</td></tr>", kind=kind)
    assert labelled(page) == page


def test_a_table_in_a_cell_has_titles_of_its_own() -> None:
    inner = table("<tr><th>y</th><td>3</td></tr>", "<thead><tr><th>c</th><th>d</th></tr></thead>")
    plain = "<table><thead><tr><th>e</th></tr></thead><tr><td>4</td></tr></table>"
    head = "<thead><tr><th>a</th><th>b</th><th>z</th></tr></thead>"
    page = labelled(table(f"<tr><td>1</td><td>{inner}{plain}</td><td>5</td></tr>", head))
    assert re.findall(r'data-label="(\w)">(\d?)', page) == [
        ("a", "1"), ("b", ""), ("d", "3"), ("z", "5"),
    ]  # fmt: skip


def test_text_of_a_cell_cannot_end_a_table() -> None:
    page = table("<tr><td>&lt;/table&gt;</td><td>&lt;td&gt;</td></tr>")
    assert labelled(page).count("data-label") == 2


def test_a_word_has_its_meaning_where_it_is_used_first() -> None:
    term = Terms()
    assert term("tier", "tiers") == f'<abbr title="{MEANINGS["tier"]}">tiers</abbr>'
    assert term("tier") == "tier"
    assert [word for word, _ in term.entries] == sorted(MEANINGS, key=str.lower)
    assert Terms()("tier").startswith("<abbr")


def test_a_sentence_marks_the_words_that_no_other_has_used() -> None:
    term = Terms()
    text = term.marked("A round trip on two cores awake <b>, on two cores, one round trip in C.")
    assert re.sub(r' title="[^"]+"', "", text) == (
        "A <abbr>round trip</abbr> on <abbr>two cores awake</abbr> &lt;b&gt;, on "
        "<abbr>two cores</abbr>, one round trip in C."
    )
    assert term.marked("A round trip on two cores.") == "A round trip on two cores."
