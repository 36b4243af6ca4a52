"""What a module of opskit's may reach outside of opskit: part of the check that nothing writes past the one writer.

A call to AWS needs no writer: a request that is signed by hand is a write too, and so is what another program does, or
code that is loaded by its name. So what can do any of this is imported only where it is needed. ``ANYWHERE`` are the
modules that reach nothing by themselves, ``PLACES`` the others with the modules or folders of opskit's that may import
them. A module in neither is refused: whoever needs one decides where it belongs. The sandbox, which is an AWS, may
import what it likes, and ``pyproject.toml`` says who imports ``subprocess``, ``typer``, ``rich`` and the SDKs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ANYWHERE = frozenset(
    {
        *("__future__", "abc", "atexit", "base64", "binascii", "bisect", "calendar", "collections", "collections.abc"),
        *("concurrent.futures", "contextlib", "contextvars", "copy", "csv", "dataclasses", "datetime", "decimal"),
        *("difflib", "email.utils", "enum", "errno", "fcntl", "fnmatch", "fractions", "functools", "hashlib", "heapq"),
        *("hmac", "html", "io", "itertools", "json", "keyword", "locale", "logging", "math", "numbers", "operator"),
        *("os", "pathlib", "platform", "posixpath", "pprint", "pwd", "queue", "random", "re", "secrets", "shlex"),
        *("shutil", "signal", "sqlite3", "stat", "statistics", "string", "struct", "sys", "sysconfig", "tempfile"),
        *("termios", "textwrap", "threading", "time", "tomllib", "traceback", "types", "typing", "unicodedata"),
        *("urllib.parse", "uuid", "warnings", "weakref", "zlib", "zoneinfo", "certifi", "platformdirs", "tabulate"),
    }
)
IN_RULES = frozenset(
    {
        *("__future__", "abc", "base64", "binascii", "bisect", "collections", "collections.abc", "copy", "csv"),
        *("dataclasses", "datetime", "decimal", "difflib", "enum", "fnmatch", "fractions", "functools", "hashlib"),
        *("heapq", "html", "itertools", "json", "math", "numbers", "operator", "re", "shlex", "statistics", "string"),
        *("textwrap", "tomllib", "types", "typing", "unicodedata", "urllib.parse", "zlib"),
    }
)
"""What rules may import: it neither reads nor writes anything, and answers the same to the same question."""
PLACES = {
    "boto3": ("aws",),
    "botocore": ("aws",),
    "cfnlint": ("guards/reads",),
    "gc": ("cli/__init__.py", "fleet/flows/worker_processes.py"),
    "http.client": ("aws/connections.py", "notebooks/reads/jupyter_client.py", "notifications/changes.py"),
    "http.cookiejar": ("notebooks/reads/jupyter_client.py",),
    "http.server": ("guards/reads/captured_request.py",),
    "importlib": ("access/reads/local_environment.py", "cli/command_tree.py", "core/package_files.py"),
    "importlib.metadata": ("training/workflow.py",),
    "importlib.resources": ("aws/prices.py", "quotas/reads/code_cache.py"),
    "importlib.util": ("access/reads/local_environment.py", "demo/runner.py", "training/sagemaker_sdk.py"),
    "inspect": ("cli/command.py", "guards/python.py"),
    "matplotlib": ("training/render",),
    "mcp": ("assistants/cli",),
    "multiprocessing": ("fleet/flows/worker_processes.py",),
    "pandas": ("training/metrics.py",),
    "pty": ("demo/runner.py",),
    "pydantic": ("assistants/cli", "training/sagemaker_sdk.py"),
    "rich": ("",),  # its contract says who
    "sagemaker": ("training/sagemaker_sdk.py",),
    "sklearn": ("training/metrics.py",),
    "socket": ("aws/connections.py", "notebooks/reads/jupyter_client.py", "notebooks/reads/jupyter_websocket.py"),
    "ssl": ("aws", "notebooks/reads/jupyter_client.py"),
    "subprocess": ("",),
    "typer": ("",),
    "urllib.request": ("aws/connections.py", "notebooks/reads/jupyter_client.py"),
    "webbrowser": ("notebooks/cli/open.py", "output/browser.py"),
    "wsproto": ("notebooks/reads/jupyter_websocket.py",),
    "yaml": ("guards/reads/plan_files.py",),
}
_EVALUATES_HINTS = Path("cli/command.py")
_OPEN_UP = {"__builtins__", "__subclasses__", "__dict__"}
"""What hands out classes, modules and what modules keep to themselves, without an import of any."""


def reached_outside(path: Path, tree: ast.Module, root: Path) -> Iterator[tuple[int, str]]:
    """Each line of a module, by its path below the package's folder ``root``, that reaches what it may not."""
    if path.parts[0] == "sandbox":
        return
    modules = set(_module_names(tree, root))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for each in names:
                    yield from _refused_import(path, node.lineno, each.name)
            case ast.ImportFrom(module=str(name), level=0):
                yield from _refused_import(path, node.lineno, name)
            case ast.Name(id="get_type_hints") | ast.alias(name="get_type_hints") if path != _EVALUATES_HINTS:
                yield node.lineno, "get_type_hints runs source that no contract sees"
            case ast.Attribute(value=ast.Name(id=owner), attr=name, ctx=ast.Store() | ast.Del()) if owner in modules:
                if not name.endswith("_hook"):
                    yield node.lineno, f"{owner}.{name} is another module's: only its hooks may be set from outside"
            case _ if path.parts[0] != "aws":
                yield from _opened_up(node, modules)
            case _:
                pass


def _refused_import(path: Path, line: int, name: str) -> Iterator[tuple[int, str]]:
    if name in ANYWHERE or name.partition(".")[0] == "opskit":
        return
    parts = name.split(".")
    known = next((known for end in range(len(parts), 0, -1) if (known := ".".join(parts[:end])) in PLACES), None)
    if known is None:
        yield line, f"{name} is imported for the first time: say in tools/outside_modules.py who may"
    elif not any(path.is_relative_to(place) for place in PLACES[known]):
        yield line, f"{name} is imported where it may not be: see tools/outside_modules.py"


def asked_by_rules(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each line of a module of a feature's ``rules`` that asks anything but its arguments; none of another module."""
    if len(path.parts) > 1 and path.with_suffix("").parts[1] == "rules":
        yield from _impure(tree)


def _impure(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What a module of rules asks of anything but its arguments."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                told = [each.name for each in names]
            case ast.ImportFrom(module=str(name), level=0):
                told = [name]
            case ast.Call(func=ast.Attribute(attr="now" | "today" | "utcnow" as asked)):
                yield node.lineno, f"{asked}() asks the clock: a rule gets the time as an argument"
                continue
            case ast.Call(func=ast.Name(id="open" | "input" as asked)):
                yield node.lineno, f"{asked}() reads: a rule gets what is read as an argument"
                continue
            case _:
                continue
        for name in told:
            if name not in IN_RULES and name.partition(".")[0] != "opskit":
                yield node.lineno, f"{name} is more than rules may ask: their arguments are all that they know"


def _module_names(tree: ast.Module, root: Path) -> Iterator[str]:
    """The names that a module has for other modules of opskit's."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                own = (each for each in names if each.name.partition(".")[0] == "opskit")
                yield from (each.asname or each.name for each in own)
            case ast.ImportFrom(module=str(package), names=names) if package.partition(".")[0] == "opskit":
                folder = root.joinpath(*package.split(".")[1:])
                for each in names:
                    if (folder / f"{each.name}.py").exists() or (folder / each.name).is_dir():
                        yield each.asname or each.name
            case _:
                pass


def _opened_up(node: ast.AST, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Ways to what others keep to themselves, that ruff does not see."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _OPEN_UP:
            yield node.lineno, f"{name} hands out what no contract sees"
        case ast.Subscript(value=ast.Call(func=ast.Name(id="vars"))):
            yield node.lineno, "vars hands out what others keep to themselves"
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[ast.Name(id=owner), *_]) if owner in modules:
            yield node.lineno, f"{owner} is another module: only its hooks may be set from outside"
        case ast.Call(func=ast.Name(id="getattr" | "setattr" | "delattr"), args=[_, ast.Constant(value=str(name)), *_]):
            if name.startswith("_"):
                yield node.lineno, f"{name} is what others keep to themselves"
        case ast.Call(func=ast.Attribute(value=owner, attr="unregister")) if ast.unparse(owner) != "atexit":
            yield node.lineno, "unregister takes away what checks each call of a client"
        case _:
            pass
