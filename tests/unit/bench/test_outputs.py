"""The options of a gate's output: formats, files, and refusals."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ipcbench.bench.commands.outputs import (
    FORMATS,
    SUMMARY,
    Written,
    chosen_format,
    give_out,
    output_options,
)
from ipcbench.reports.gate.exports.formats import FORMATS as FUNCTIONS
from tests.unit.reports.gate.a_report import a_report


@click.command()
@output_options
def gate(form: str | None, written: tuple[Written, ...], as_json: bool) -> None:
    give_out(a_report(), chosen_format(form, as_json), written)


def played(*words: str | Path, summary: Path | None = None) -> Result:
    env = {SUMMARY: str(summary) if summary else None}
    return CliRunner().invoke(gate, list(map(str, words)), env=env)


def test_every_format_has_its_function() -> None:
    assert tuple(FUNCTIONS) == FORMATS


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_printed(form: str) -> None:
    assert played("--format", form).stdout == FUNCTIONS[form](a_report())


def test_the_table_is_the_default_and_json_has_an_option() -> None:
    assert played().stdout.startswith("broken: 3 cells")
    assert json.loads(played("--json").stdout) == json.loads(played("--format", "json").stdout)
    refused = played("--json", "--format", "junit")
    assert refused.exit_code and "leave one of them out" in refused.stderr


def test_files_are_written_beside_the_output(tmp_path: Path) -> None:
    words = [f"--write={form}={tmp_path / form}" for form in FORMATS]
    assert played(*words).stdout == FUNCTIONS["table"](a_report())
    for form in FORMATS:
        assert (tmp_path / form).read_text() == FUNCTIONS[form](a_report())
    (tmp_path / "junit").write_text("before")
    played(f"--write=junit={tmp_path / 'junit'}")
    assert "before" not in (tmp_path / "junit").read_text()


def test_the_summary_of_a_step_is_appended_to(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    assert played(f"--write=markdown={summary}", summary=summary).exit_code == 0
    assert summary.read_text() == f"before\n{FUNCTIONS['markdown'](a_report())}"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        played(f"--write=table={pipe}")
        assert os.read(reader, 1 << 16).decode() == FUNCTIONS["table"](a_report())
    finally:
        os.close(reader)


def test_standard_output_is_no_file_to_replace(tmp_path: Path) -> None:
    """Behind a redirection, /dev/stdout is a link to a regular file."""
    printed = FUNCTIONS["table"](a_report()) + FUNCTIONS["annotations"](a_report())
    assert played("--write=annotations=-").stdout == printed
    out, link = tmp_path / "out", tmp_path / "stdout"
    link.symlink_to(out)
    with out.open("w") as file, contextlib.redirect_stdout(file):
        give_out(a_report(), "table", [Written("annotations", link)])
    assert link.is_symlink()
    assert out.read_text() == printed


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("gate.xml", "write it as FORMAT=FILE, such as junit=gate.xml"),
        ("junit=", "write it as FORMAT=FILE, such as junit=gate.xml"),
        ("xml=gate.xml", "'xml' is no format: table, json, junit, markdown, annotations"),
        ("junit=.", ". is a folder: name a file"),
        ("junit=no/such/gate.xml", "there is no folder no/such: create it"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before(given: str, text: str) -> None:
    refused = played("--write", given)
    assert refused.exit_code
    assert text in " ".join(refused.stderr.replace("│", " ").split())
    assert not refused.stdout


def test_two_formats_in_one_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gate")
    refused = played("--write", f"junit={tmp_path}/gate", "--write", f"json={tmp_path}/link")
    assert refused.exit_code
    assert "another format goes to that file" in " ".join(refused.stderr.split())


def test_several_formats_go_to_standard_output_and_to_the_summary(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    for where in ("-", "/dev/null", summary):
        words = ("--write", f"json={where}", "--write", f"table={where}")
        assert not played(*words, summary=summary).exit_code
