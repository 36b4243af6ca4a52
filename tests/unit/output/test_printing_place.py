"""Only one module writes to the terminal, and only one makes rich's consoles: what holds there holds everywhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "opskit"

PLACES = {"output/printing.py", "output/rich_console.py"}
"""Where that is done."""

PROGRAMS = {"sandbox/container/train.py"}
"""Programs of their own: a training's standard output is the log of its job."""

LAST_RESORT = {"cli/__init__.py": ["print()", "sys.stderr"], "guards/autostart.py": ["sys.stderr", "sys.stderr"]}
"""What tells that opskit's own files are another project's, or cannot be imported, cannot count on any of them."""

_STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
_SPEAKING = {"print", "input", "breakpoint"}
_SPEAKING_MODULES = {
    "typer": {"echo", "secho", "confirm", "prompt", "pause", "progressbar"},
    "click": {"echo", "secho", "confirm", "prompt", "pause", "progressbar"},
    "traceback": {"print_exc", "print_exception", "print_stack", "print_tb", "print_last"},
    "getpass": {"getpass"},
    "logging": {"StreamHandler", "basicConfig"},
    "pprint": {"pprint", "pp"},
}
_RICH = {"rich", "rich.console", "rich.text", "rich.markup", "rich.logging", "rich.traceback", "rich.prompt"}
"""What of rich makes consoles, or texts that nobody looked at."""


# To parse and walk all of opskit takes a second: a module without one of these words can have no such place.
_A_WORD = re.compile(
    rf"\b(?:{'|'.join(sorted(_SPEAKING | _STREAMS | {*_SPEAKING_MODULES, 'rich'}))}|(?:os|out|err)\s*\.\s*write\w*)\b"
)


def writing_places(source: str) -> list[str]:
    """How a module writes to a standard stream, or makes something that does, by itself."""
    if not _A_WORD.search(source):
        return []
    return [what for _, what in sorted(_find_writers(ast.parse(source)))]


def _find_writers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _SPEAKING:
                yield node.lineno, f"{name}()"
            case ast.Attribute(value=ast.Name(id="sys"), attr=name) if name in _STREAMS:
                yield node.lineno, f"sys.{name}"
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in _SPEAKING_MODULES.get(module, ()):
                yield node.lineno, f"{module}.{name}"
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="os"), attr="write"), args=[ast.Constant(value=1 | 2), *_]
            ):
                yield node.lineno, "os.write"
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="out" | "err"), attr="write" | "writelines")):
                yield node.lineno, "a screen's stream"
            case ast.ImportFrom(module=str(module), names=names):
                yield from (
                    (node.lineno, f"from {module} import {each.name}")
                    for each in names
                    if _is_writer_import(module, each)
                )
            case ast.Import(names=names):
                yield from ((node.lineno, f"import {each.name}") for each in names if each.name in _RICH)
            case _:
                pass


def _is_writer_import(module: str, each: ast.alias) -> bool:
    if module == "sys":
        return each.name in _STREAMS
    return (module in _RICH and each.name != "box") or each.name in _SPEAKING_MODULES.get(module, ())


def test_no_other_module_writes_to_the_terminal() -> None:
    files = {str(path.relative_to(ROOT)): path for path in ROOT.rglob("*.py")}
    assert files.keys() >= PLACES | PROGRAMS
    told = {
        name: where
        for name, path in files.items()
        if name not in PLACES | PROGRAMS and (where := writing_places(path.read_text(encoding="utf-8")))
    }
    assert told == LAST_RESORT, "print with opskit.output.printing, or through a Screen"


@pytest.mark.parametrize(
    "source",
    [
        "print('x')",
        "def f():\n    if True:\n        print(1, file=here.screen.err)",
        "sys.stdout.write('x')",
        "tell = sys.stderr.write",
        "from sys import stderr as loud",
        "typer.echo('x', err=True)",
        "typer.confirm('Go on?')",
        "from typer import prompt",
        "name = input('who? ')",
        "from getpass import getpass",
        "traceback.print_exc()",
        "os.write(2, b'x')",
        "here.screen.out.write('x')",
        "logging.basicConfig()",
        "from rich.console import Console",
        "from rich import print",
        "import rich.console",
        "from rich.text import Text",
    ],
)
def test_each_way_to_do_so_is_found(source: str) -> None:
    assert writing_places(source)


@pytest.mark.parametrize("source", ["from rich import box", "console.print(shown_text(line))", "file.write('x')", ""])
def test_what_does_not_is_left_alone(source: str) -> None:
    assert writing_places(source) == []
