"""Refuse what would let something outside a feature's ``changes`` write to an account.

The rule is: ``opskit/aws/writer.py`` is the one way to change an account, and only ``opskit/<feature>/changes`` may use
it. import-linter holds the direct import. It does not see a writer that is handed on, nor an import that is a call. So
this check also asks that

- the name of the writer stands nowhere but in ``aws/writer.py`` and in ``changes``, and neither does what lends the
  SageMaker SDK, whose objects write too;
- in ``changes`` a writer is made where it is used, ``AwsWriter(client).call("service", "operation", …)``, and never
  held, taken, returned or renamed; service and operation are literals, so that what a module can change is read in it
  and no caller chooses; a call through the SDK is a lambda in that place;
- a module of ``changes`` makes nothing public but functions, and none of them returns what may be anything;
- no module is imported, and no source run, by a call, but where ``cli/command_tree.py`` loads the commands; none is
  taken out of ``sys.modules`` or of another's namespace, no class out of an object, and no module has another's name;
  and no program is started past ``subprocess``, whose importers are named in ``pyproject.toml``;
- what reaches anything outside of opskit is imported only where it is needed (``tools/outside_modules.py``).

``AwsWriter`` itself looks at its caller when it is used (see there), for what no reading of the source can see.
``python -m tools.one_writer opskit`` prints a line for each place and exits with 1 when there is any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.enumerations import Finding, parse_sources
from tools.outside_modules import asked_by_rules, reached_outside

WRITER = "AwsWriter"
WRITER_MODULE = "opskit.aws.writer"
SDK_LENDERS = frozenset({"load_sdk", "SagemakerSdk"})
_WRITER_CALLS = {"call", "call_once", "call_via_sdk"}
_IMPORTING_CALLS = {
    *("import_module", "__import__", "exec_module", "load_module", "spec_from_file_location", "module_from_spec"),
    *("run_module", "run_path", "exec", "eval"),
}
# import-linter holds who imports subprocess, and ruff os.system and os.exec; these it does not know.
_STARTING_CALLS = {
    *("posix_spawn", "posix_spawnp", "spawn", "fork", "forkpty"),
    *("create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell"),
}
_LOADS_COMMANDS = Path("cli/command_tree.py")
_READS_HINTS = Path("cli/command.py")
_MODULES_TEXT = "sys.modules hands out modules that no contract sees: import them"
_MAY_BE_ANYTHING = {"Any", "object", "Callable", "ModuleType", "partial"}


def find_writers(root: Path) -> list[Finding]:
    """Each place below the package's folder where a writer gets out of ``changes``, or is named outside of it."""
    return [
        Finding(path, line, text)
        for path, tree in parse_sources(root).items()
        for line, text in (
            *_findings_in(path.relative_to(root), tree),
            *reached_outside(path.relative_to(root), tree, root),
            *asked_by_rules(path.relative_to(root), tree),
        )
    ]


def is_changes_module(path: Path) -> bool:
    """Whether a file, below the package's folder, is in a feature's ``changes``: a module or a package of that name."""
    return len(path.parts) > 1 and path.with_suffix("").parts[1] == "changes"


def _findings_in(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if path.parts[0] not in ("aws", "sandbox") and path != _LOADS_COMMANDS:
        yield from _imported_by_call(path, tree)
    if path == Path("aws/writer.py"):
        return
    if is_changes_module(path):
        yield from _handed_on(tree)
        yield from _exported(tree)
    else:
        yield from _named(tree, frozenset() if path == Path("training/sagemaker_sdk.py") else SDK_LENDERS)


def _imported_by_call(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    asked = set(_asked_only(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in _IMPORTING_CALLS:
                yield node.lineno, f"{name} loads code that no contract sees: import it"
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in _STARTING_CALLS:
                yield node.lineno, f"{name} starts a program that no contract sees: use subprocess"
            case (
                ast.Name(id="__name__", ctx=ast.Store())
                | ast.Name(id="FunctionType")
                | ast.Attribute(attr="FunctionType")
            ):
                yield node.lineno, "the writer asks modules for their names: none takes another's"
            case ast.Call(func=ast.Call(func=ast.Name(id="type")) | ast.Attribute(attr="__class__")):
                yield node.lineno, "a class that is got from an object is one that no contract sees: import it"
            case ast.Attribute(attr="__globals__") if path != _READS_HINTS:
                yield node.lineno, "__globals__ hands out what no contract sees: import it"
            case ast.ImportFrom(module="sys", names=names) if any(each.name == "modules" for each in names):
                yield node.lineno, _MODULES_TEXT
            case ast.Attribute(value=ast.Name(id="sys"), attr="modules") if node not in asked:
                yield node.lineno, _MODULES_TEXT
            case _:
                pass


def _asked_only(tree: ast.Module) -> Iterator[ast.AST]:
    """Each ``sys.modules`` that is only asked whether a module is loaded, or from which one is put in or taken out."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(comparators=sides):
                yield from sides
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
                yield value
            case _:
                pass


def _named(tree: ast.Module, lenders: frozenset[str]) -> Iterator[tuple[int, str]]:
    only = "is named outside of a feature's changes"
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name == WRITER:
                yield node.lineno, f"{WRITER} {only}: only those write to an account"
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in lenders:
                yield node.lineno, f"{name} {only}: the SDK's objects write"
            case ast.alias(name=name) | ast.ImportFrom(module=str(name)) if name == WRITER_MODULE:
                yield node.lineno, f"{WRITER_MODULE} is imported outside of a feature's changes"
            case ast.Constant(value=str(text)) if text.startswith(WRITER):
                yield node.lineno, f"{WRITER} {only}: only those write to an account"
            case _:
                pass


def _handed_on(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Writers in a module of ``changes`` that are not made and used in one expression, and calls that are not told."""
    used_at_once: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id=name) as made), attr=method), args=args):
                if name == WRITER and method in _WRITER_CALLS:
                    used_at_once.add(made)
                    yield from ((node.lineno, text) for text in _untold(method, args))
            case _:
                pass
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name == WRITER and node not in used_at_once:
                yield node.lineno, f"{WRITER} is made and used in one expression: it stays where it is"
            case ast.Attribute(attr=name) if name == WRITER:
                yield node.lineno, f"{WRITER} is reached through its module: import it by its name"
            case ast.alias(name=name, asname=str()) if name in (WRITER, WRITER_MODULE, *SDK_LENDERS):
                yield node.lineno, f"{name} is renamed: then nothing finds it"
            case ast.Constant(value=str(text)) if text.startswith(WRITER):
                yield node.lineno, f"{WRITER} is made and used in one expression: it stays where it is"
            case _:
                pass


def _untold(method: str, arguments: Sequence[ast.expr]) -> Iterator[str]:
    """What a call of the writer leaves to somebody else."""
    told = [isinstance(each, ast.Constant) and isinstance(each.value, str) for each in arguments[:2]]
    if told != [True, True]:
        yield "the service and the operation of a write are literals, so that no caller chooses them"
    if method == "call_via_sdk" and not (len(arguments) == 3 and isinstance(arguments[2], ast.Lambda)):
        yield "what the SDK is to send is a lambda in its place, so that no caller brings it"


def _exported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name, returns=returns) if not name.startswith("_"):
                words = {node.id for node in ast.walk(returns) if isinstance(node, ast.Name)} if returns else set()
                if words & _MAY_BE_ANYTHING:
                    yield statement.lineno, f"{name} returns what may be anything, a {WRITER} among it"
            case ast.ClassDef(name=name) if not name.startswith("_"):
                yield (
                    statement.lineno,
                    f"{name} is no function, and changes make nothing else public",
                )
            case ast.Assign(targets=targets):
                yield from _public_names(targets)
            case ast.AnnAssign(target=target):
                yield from _public_names([target])
            case _:
                pass


def _public_names(targets: Sequence[ast.expr]) -> Iterator[tuple[int, str]]:
    for node in (inner for target in targets for inner in ast.walk(target)):
        if isinstance(node, ast.Name) and not node.id.startswith("_"):
            yield node.lineno, f"{node.id} is no function, and changes make nothing else public"


def main(arguments: list[str]) -> int:
    """Check each package folder named; 1 when anything was found."""
    findings = [finding for root in arguments for finding in find_writers(Path(root))]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
