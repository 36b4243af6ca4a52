"""No test patches a private name of opskit's: what a test has to replace is a seam, and a seam has a public name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
PATCHERS = {"setattr", "patch", "enter_context"}
OF_OTHERS = {
    "_make_api_call",  # botocore's: the one way in for a fake that answers instead of AWS
    "_create_client_class",  # botocore's: what it makes of a model is the same for all sessions
    *("_alias_event_name", "_load_service_model", "_register_builtin_handlers", "_recursive_copy"),  # likewise
    "_tryorder",  # webbrowser's: else $BROWSER is read once a process
}


def private_patches(source: str) -> Iterator[str]:
    """Each private name that a call of setattr or patch replaces."""
    is_patching = any(patcher in source for patcher in PATCHERS)
    for node in ast.walk(ast.parse(source)) if is_patching else ():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for argument in node.args[:2] if called in PATCHERS else ():
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                name = argument.value.rpartition(".")[2]
                if name.startswith("_") and not name.startswith("__") and name not in OF_OTHERS:
                    yield name


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.relative_to(TESTS).as_posix())
def test_no_private_name_is_patched(path: Path) -> None:
    assert list(private_patches(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    ['patched.setattr(module, "_name", 1)', 'patched.setattr("opskit.core.clock._now", 1)', 'patch("opskit.cli._run")'],
)
def test_a_patched_private_name_is_seen(line: str) -> None:
    assert list(private_patches(line))
