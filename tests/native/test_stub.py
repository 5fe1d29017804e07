"""The stub of the compiled part declares all of its names, and no others."""

from __future__ import annotations

import ast

import pytest

from ipcbench.transports.native import built, header, operations

pytestmark = pytest.mark.skipif(built() is not None, reason=str(built()))


def test_the_stub_has_the_names_of_the_module() -> None:
    declared = set()
    for node in ast.parse((header() / "_native.pyi").read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            declared.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            declared.add(ast.unparse(node.target))
    assert declared == {name for name in dir(operations) if not name.startswith("__")}


def test_every_operation_is_a_method() -> None:
    for operation, attribute, action, _ in operations.OPERATIONS:
        assert callable(getattr(operations.Calls, operation))
        assert attribute and action
