"""Results folders of unknown origin: refused in one line or shown as text.

Every case uses the real commands. A refusal is one line and exit code 3; no file outside
the folder is read or written.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.results.journal import LONGEST_LINE, NAME
from ipcbench.bench.results.records import Round
from ipcbench.transports.kernel_objects.home import PREFIX
from ipcbench.transports.kernel_objects.origin import Origin
from tests import synthetic
from tests.e2e.command import environment, ipcbench
from tests.fuzz import harmless

HOSTILE = (
    "<script>alert(1)</script>$\\frac{$\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\x00\r\n{{7*7}}"
)
PRINTABLE = '<img src=x onerror="alert(1)">$\\frac{1}{$ url(http://example.com/x)'

PROMISES = """
[[promise]]
name = "memory"
faster = { transport = "shm:posix+posix-sem" }
than = { transport = "pipe" }
where = { pattern = "latency", size = 64 }
at_least = "1.1x"
"""


def _lines(**options: object) -> list[dict[str, object]]:
    planned = synthetic.cells(("pipe", "shm:posix+posix-sem"), sizes=(64,))
    results = synthetic.sweep(synthetic.reference, planned, rounds=6, tail=30, **options)
    return [json.loads(msgspec.json.encode(line)) for line in synthetic.lines(results)]


def _write(folder: Path, lines: list[dict[str, object]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A correct run's folder, and promises beside it."""
    (tmp_path / "promises.toml").write_text(PROMISES)
    return _write(tmp_path / "run", _lines())


def _commands(folder: Path) -> list[list[str | Path]]:
    return [
        ["report", folder],
        ["check", folder, "--thresholds", folder.parent / "promises.toml"],
        ["run", "--resume", folder],
    ]


def _refused(*arguments: str | Path) -> str:
    """Run a command that must refuse; return its only line."""
    done = ipcbench(*arguments)
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    harmless.line(done.stderr.rstrip("\n"))
    return done.stderr


ONE_AFTER_THE_OTHER = """
import sys
from ipcbench.bench.cli import main
for folder in sys.argv[1:]:
    sys.argv = ["ipcbench", "report", folder]
    try:
        main()
    except SystemExit as end:
        print("exit", end.code, file=sys.stderr)
"""


def _all_refused(folders: list[Path]) -> None:
    """Check that each folder is refused in one line; in one process, to save start-up time."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, *map(str, folders)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.stdout == ""
    written = done.stderr.splitlines()
    assert written[1::2] == ["exit 3"] * len(folders), done.stderr
    assert len(written) == 2 * len(folders)
    for line, folder in zip(written[::2], folders, strict=True):
        assert line.startswith(f"Error: {folder}"), line
        harmless.line(line)


# Journals that are not regular files of the folder.


def _link(path: Path) -> None:
    secret = path.parent.parent / "secret"
    secret.write_text("password\n" * 3)
    path.symlink_to(secret)


def _whole_journal_elsewhere(path: Path) -> None:
    elsewhere = _write(path.parent.parent / "elsewhere", _lines()) / NAME
    path.symlink_to(elsewhere)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (_link, "a link"),
        (_whole_journal_elsewhere, "a link"),
        (lambda path: path.symlink_to("/dev/zero"), "a link"),
        (lambda path: path.symlink_to("nowhere"), "a link"),
        (os.mkfifo, "a FIFO, a device or a socket"),
        (_socket, "a FIFO, a device or a socket"),
        (Path.mkdir, "Is a directory"),
        (_sparse, f"a line of more than {LONGEST_LINE} bytes"),
    ],
    ids=["link", "link-to-a-journal", "link-to-a-device", "link-to-nowhere", "fifo", "socket",
         "folder", "a-terabyte-of-zeros"],
)  # fmt: skip
def test_only_a_regular_file_of_the_folder_is_read(
    run: Path, put: Callable[[Path], object], reason: str
) -> None:
    (run / NAME).unlink()
    put(run / NAME)
    before = sorted(run.iterdir())
    commands = _commands(run)
    for command in commands if put in (_link, os.mkfifo) else commands[:1]:
        message = _refused(*command)
        assert reason in message
        assert "password" not in message
    assert sorted(run.iterdir()) == before


def test_a_device_is_not_opened(run: Path) -> None:
    (run / NAME).unlink()
    try:
        os.mknod(run / NAME, 0o20666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("mknod(2) of a device needs CAP_MKNOD")
    assert "a FIFO, a device or a socket" in _refused("report", run)


# Without these two capabilities, file permissions bind root too: capabilities(7), prctl(2).
WITHOUT_OVERRIDE = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
if os.geteuid() == 0:
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_file_that_may_not_be_read(run: Path) -> None:
    (run / NAME).chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_OVERRIDE, sys.executable, "-m", "ipcbench", "report", run],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr == f"Error: {run / NAME}: Permission denied\n"


# Output stays in the folder.


def test_a_link_named_figures_is_not_written_through(run: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("latency-python.svg", "depth-python.png"):  # one to be replaced, one to be deleted
        (outside / name).write_text("precious")
    (run / "figures").symlink_to(outside)
    assert "a link, which may lead anywhere: remove it" in _refused("report", run)
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "latency-python.svg": "precious",
        "depth-python.png": "precious",
    }


def test_links_in_place_of_output_files_are_replaced(run: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.write_text("precious")
    (run / "figures").mkdir()
    names = ("report.html", "suite.json", "figures/cells-python.svg")
    for name in names:
        (run / name).symlink_to(outside)
    done = ipcbench("report", run)
    assert done.returncode == 0, done.stderr
    assert outside.read_text() == "precious"
    for name in names:
        assert (run / name).is_file()
        assert not (run / name).is_symlink()


# Content.


def test_hostile_strings_are_shown_as_text(tmp_path: Path) -> None:
    """On the page, in the charts, in the pyperf file, and on the terminal."""
    lines = _lines()
    header, first = lines[0], lines[1]
    header |= dict.fromkeys(("version", "started", "profile", "clock", "plan"), HOSTILE)
    header |= {"command": [HOSTILE], "metadata": {HOSTILE: HOSTILE, "hostname": HOSTILE}}
    for key in ("hostname", "kernel", "cpu_model", "virtualization", "python"):
        header["machine"][key] = HOSTILE  # type: ignore[index]
    header["machine"] |= {"hidden": [HOSTILE], "settings": {HOSTILE: HOSTILE}}  # type: ignore[operator]
    first["facts"] |= dict.fromkeys(("family", "wait", "per", "framing"), HOSTILE)  # type: ignore[operator]
    text = json.dumps(lines)
    for name in ("pipe", "same-core"):
        text = text.replace(name, json.dumps(PRINTABLE + name)[1:-1])
    lines = json.loads(text)
    failed = {"kind": "failed", "cell": "", "round": 1, "who": HOSTILE, "where": HOSTILE}
    lines[5:5] = [{**failed, "cell": next(_ids(lines)), "what": HOSTILE}]
    folder = _write(tmp_path / "run", lines)
    done = ipcbench("report", folder)
    assert done.returncode == 0, done.stderr
    harmless.lines(done.stdout + done.stderr)
    harmless.page((folder / "report.html").read_text())
    harmless.suite(folder / "suite.json")
    drawings = list((folder / "figures").glob("*.svg"))
    assert drawings
    for path in drawings:
        harmless.drawing(path.read_text())
    (tmp_path / "promises.toml").write_text(
        PROMISES.replace('"pipe"', json.dumps(PRINTABLE + "pipe"))
    )
    for more in ([], ["--json"]):
        done = ipcbench("check", folder, "--thresholds", tmp_path / "promises.toml", *more)
        assert done.returncode in (0, 1, 2, 3)
        harmless.lines(done.stdout + done.stderr)
        assert done.stderr.count("\n") <= 1
    assert "this sweep cannot be resumed here" in _refused("run", "--resume", folder)


def _ids(lines: list[dict[str, object]]) -> Iterator[str]:
    yield from (str(line["cell"]) for line in lines if line["kind"] == "calibrated")


RUN = 5  # the index of a line that is a run


BAD_FIELDS: list[tuple[int, str, object]] = [
    (RUN, "values", [1e-300]),
    (RUN, "values", [1.7e308]),
    (RUN, "values", []),
    (RUN, "values", [1e-6] * 10_001),
    (RUN, "loops", 10**30),
    (RUN, "loops", -1),
    (RUN, "inner_loops", 7),
    (RUN, "tail", {"999999999": 1}),
    (RUN, "tail", {"1": 10**30}),
    (RUN, "cpus", [[1]] * 5000),
    (RUN, "cell", "\x1b[2J\u202e"),
    (RUN, "usage", "many"),
    (RUN, "wall", 1e308),
    (1, "cell", {"transport": "pipe", "pattern": "latency", "size": 10**40, "placement": "x"}),
    (1, "cell", {"transport": "a  b", "pattern": "latency", "size": 1, "placement": "x"}),
    (1, "kind", "\x1b[31m"),
    (0, "schema", 99),
    (0, "settings", {"values": 0, "warmups": 0, "block": 0, "tail": 0, "rounds": 0}),
    (0, "seed", -1),
]
BAD_LINES = [
    '{"kind":"end","reason":"complete","wall":NaN}',
    '{"kind":"end","reason":"complete","wall":-Infinity}',
    '{"kind":"end","reason":"complete","wall":1e999}',
    "[" * 1_000_000,
    '{"a":' * 100_000,
    "9" * 1_000_000,
    "\x00" * 1000,
    HOSTILE,
]


def test_impossible_numbers_types_and_lines(tmp_path: Path) -> None:
    """NaN, infinities, negative and huge numbers, wrong types, deep nesting, noise."""
    folders = []
    for line, name, value in BAD_FIELDS:
        lines = _lines()
        assert lines[RUN]["kind"] == "run"
        assert name in lines[line]
        lines[line][name] = value
        folders.append(_write(tmp_path / str(len(folders)), lines))
    for text in BAD_LINES:
        folders.append(_write(tmp_path / str(len(folders)), _lines()))
        with (folders[-1] / NAME).open("a") as file:
            file.write(text + "\n")
    _all_refused(folders)


def test_a_cell_planned_twice_and_thousands_of_them(run: Path) -> None:
    lines = _lines()
    assert "planned twice" in _refused("report", _write(run, [*lines, lines[1]]))
    many = [
        {**lines[1], "cell": {**lines[1]["cell"], "size": size}}  # type: ignore[dict-item]
        for size in range(100_000, 110_001)
    ]
    assert "over 10000 cells" in _refused("report", _write(run, [*lines, *many]))


def test_time_grows_linearly_with_the_number_of_lines(run: Path) -> None:
    """The journal has 100,000 void rounds and 20,000 runs of one cell."""
    lines = _lines()
    last = dict(lines[RUN])
    assert last["kind"] == "run"
    last |= {"foreign": None, "tail": {}, "usage": [], "metadata": {}}
    with (run / NAME).open("a") as file:
        for number in range(7, 20_007):
            file.write(json.dumps({**last, "round": number}) + "\n")
        void = Round(round=10**6, wall=1.0, timed=0.5, steal=0.5, load=0.1, void="steal")
        file.write((msgspec.json.encode(void).decode() + "\n") * 100_000)
    done = ipcbench("report", run)
    assert done.returncode == 0, done.stderr


def test_a_journal_that_grows_while_it_is_read(run: Path) -> None:
    line = msgspec.json.encode(Round(round=1, wall=1.0, timed=0.5, steal=0.0, load=0.1)) + b"\n"
    ended = threading.Event()

    def grow() -> None:
        with (run / NAME).open("ab", buffering=0) as file:
            while not ended.wait(0.001):
                file.write(line * 20 + line[:30])
                file.write(line[30:])

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        done = ipcbench("report", run)
    finally:
        ended.set()
        writer.join()
    assert done.returncode == 0, done.stderr


# Resumption.


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept") / "run"
    done = ipcbench(
        "run", "--profile", "smoke", "--clock", "fake", "-t", "pipe", "-s", "64",
        "--pattern", "latency", "--placement", "same-core", "-o", folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"version":"', '"version":"\\u001b[2J', "the version was \\x1b[2J"),
        ('"clock":"fake"', '"clock":"sundial"', "unknown clock 'sundial'"),
        ('"pattern":"latency"', '"pattern":"sorcery"', "unknown pattern 'sorcery'"),
        ('"placement":"same-core"', '"placement":"moon"', "unknown placement 'moon'"),
        ('"runtime":"python"', '"runtime":"rust"', "unknown runtime 'rust'"),
        ('"transport":"pipe"', '"transport":"telepathy"', "telepathy"),
    ],
    ids=["version", "clock", "pattern", "placement", "runtime", "transport"],
)
def test_an_altered_sweep_is_not_resumed(
    swept: Path, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(swept, folder)
    lines = (folder / NAME).read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    text = "".join(lines[: 1 + header["planned"]]).replace(old, new)
    assert new in text
    (folder / NAME).write_text(text)
    assert reason in _refused("run", "--resume", folder)
    assert (folder / NAME).read_text() == text


# Control characters for the terminal.


def test_a_folders_name_cannot_control_a_terminal(run: Path) -> None:
    folder = run.rename(run.parent / "a\x1b[2J\u202e\x07\nb")
    done = ipcbench("report", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"page: {run.parent}/a\\x1b[2J\\u202e\\x07\\nb/report.html\n"
    output = ipcbench("report", folder, "--json").stdout
    harmless.lines(output)
    assert json.loads(output)["folder"] == str(folder)
    (folder / NAME).write_text("{\n")
    _refused("report", folder)
    (folder / NAME).unlink()
    _refused("report", folder)


def test_clean_removes_and_shows_no_foreign_object(tmp_path: Path) -> None:
    home = tmp_path / f"{PREFIX}{os.getuid()}"
    home.mkdir(mode=0o700)
    precious = tmp_path / "precious"
    precious.write_text("precious")
    origin = Origin.here()
    assert origin is not None
    entries = [
        {"owner": 2**22 + 1, "start": 1, **origin.entry()},
        *({"kind": kind, "name": name}
          for kind in ("file", "folder", "shm", "posix memory", HOSTILE)
          for name in (str(precious), f"../{precious}", HOSTILE, "/", "")),
    ]  # fmt: skip
    text = "\n".join(json.dumps(entry) for entry in entries)
    (home / "0123456789abcdef.ledger").write_text(f"{text}\n{HOSTILE}\n[[[\n")
    done = ipcbench("clean", XDG_RUNTIME_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0 objects removed\n"
    assert done.stderr == ""
    assert precious.read_text() == "precious"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_promises_and_profiles_must_be_regular_files(
    run: Path, make: Callable[[Path], object]
) -> None:
    odd = run.parent / "odd.toml"
    make(odd)
    commands: list[list[str | Path]] = [
        ["check", run, "--thresholds", odd],
        ["run", "--promised", odd],
        ["run", "--profile", odd],
    ]
    for command in commands:
        assert "only a regular file is read" in _refused(*command)
