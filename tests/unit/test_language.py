"""Docstrings begin with no clause, and local names shadow nothing; the rules by examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language import CLAUSES, FOLDERS, ROOT, complaints, docstrings, main, shadows

FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def test_every_file_keeps_the_rules() -> None:
    assert FILES
    assert [text for path in FILES for text in complaints(path)] == []


@pytest.mark.parametrize("word", sorted(CLAUSES))
def test_a_clause_is_found(word: str) -> None:
    text = f'"""{word.title()} it is."""\n'
    assert [found.line for found in docstrings(text)] == [1]


@pytest.mark.parametrize(
    "source",
    [
        'class A:\n    """What it is."""\n',
        'class A:\n    def b(self):\n        """\n        Whether it is."""\n',
        'async def a():\n    """ "Whose" is quoted."""\n',
        'A = 1\n"""Who runs: an attribute."""\n',
        'def a():\n    """Who\'s there."""\n',
    ],
)
def test_every_kind_of_docstring_is_read(source: str) -> None:
    assert len(docstrings(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""Fork server: it forks one worker per run."""\n',
        'def a():\n    """Return what is there, and how."""\n',
        'def a():\n    """Whichever comes first."""\n',
        'a = "What it is."\n',
        "# What it is.\n",
        '""""""\n',
    ],
)
def test_other_docstrings_are_accepted(source: str) -> None:
    assert not docstrings(source)


@pytest.mark.parametrize(
    "local",
    [
        "def f(name): pass",
        "def f(*name): pass",
        "def f(**name): pass",
        "def f(*, name=1): pass",
        "def f():\n    name = 1",
        "def f():\n    name: int = 1",
        "def f():\n    for name in (): pass",
        "def f():\n    with a() as name: pass",
        "def f():\n    try: pass\n    except OSError as name: pass",
        "def f():\n    return [name for name in ()]",
        "def f():\n    return (name := 1)",
        "def f():\n    def name(): pass",
        "def f():\n    async def name(): pass",
        "def f():\n    match a:\n        case [1, *name]: pass",
        "f = lambda name: 1",
        "class A:\n    def f(self, name): pass",
    ],
)
@pytest.mark.parametrize(
    "above",
    [
        "import name",
        "import name.part",
        "import other as name",
        "from other import name",
        "try:\n    import name\nexcept ImportError:\n    pass",
        "if True:\n    pass\nelse:\n    import name",
        "def name(): pass",
        "async def name(): pass",
    ],
)
def test_a_shadow_is_found(above: str, local: str) -> None:
    assert len(shadows(f"{above}\n{local}\n")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import name\ndef f(other): return name\n",
        "name = 1\ndef f(name): pass\n",
        "import name\nname = 1\n",
        "class name: pass\ndef f(name): pass\n",
        "class A:\n    def name(self): pass\ndef f(name): pass\n",
        "import name\nclass A:\n    name = 1\n",
        "import name\ndef f():\n    import name\n",
        "import name\ndef f(a):\n    a.name = 1\n    g(name=1)\n",
        "def f():\n    def name(): pass\ndef g(name): pass\n",
    ],
)
def test_other_names_are_accepted(source: str) -> None:
    assert not shadows(source)


def test_a_late_import_must_not_shadow_a_function() -> None:
    assert len(shadows("def name(): pass\ndef f():\n    from other import name\n")) == 1


def test_the_command_names_files_and_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text('"""A module."""\n')
    bad.write_text('"""A module."""\n\n\ndef a():\n    """Who it is."""\n')
    assert main([str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    assert capsys.readouterr().out == f"{bad}:5: a docstring begins with 'Who': Who it is.\n"
