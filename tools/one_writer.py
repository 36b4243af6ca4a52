"""Refuse what would let something outside a feature's ``changes`` write to an account.

The rule is: ``opskit/aws/writer.py`` is the one way to change an account, and only ``opskit/<feature>/changes`` may use
it. import-linter holds the direct import. It does not see a writer that is handed on: exported again, given back, or
taken as an argument. So this check also asks that

- the name of the writer stands nowhere but in ``aws/writer.py`` and in ``changes``;
- a module of ``changes`` makes nothing public but functions, and no function of it takes or returns a writer, unless
  it is private to its module.

``AwsWriter`` itself looks at its caller when it is used (see there), for what no reading of the source can see.
``python -m tools.one_writer opskit`` prints a line for each place and exits with 1 when there is any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.closed_choices import Finding, parse_sources

WRITER = "AwsWriter"
WRITER_MODULE = "opskit.aws.writer"


def find_writers(root: Path) -> list[Finding]:
    """Each place below the package's folder where a writer gets out of ``changes``, or is named outside of it."""
    return [
        Finding(path, line, text)
        for path, tree in parse_sources(root).items()
        for line, text in _findings_in(path.relative_to(root), tree)
    ]


def is_changes_module(path: Path) -> bool:
    """Whether a file, below the package's folder, is in a feature's ``changes``: a module or a package of that name."""
    return len(path.parts) > 1 and path.with_suffix("").parts[1] == "changes"


def _findings_in(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if path == Path("aws/writer.py"):
        return
    if is_changes_module(path):
        yield from _exported(tree)
    else:
        yield from _named(tree)


def _named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name == WRITER:
                yield node.lineno, f"{WRITER} is named outside of a feature's changes: only those write to an account"
            case ast.alias(name=name) | ast.ImportFrom(module=str(name)) if name == WRITER_MODULE:
                yield node.lineno, f"{WRITER_MODULE} is imported outside of a feature's changes"
            case ast.Constant(value=str(text)) if text.startswith(WRITER):
                yield node.lineno, f"{WRITER} is named outside of a feature's changes: only those write to an account"


def _exported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                signature = [argument.annotation for argument in _all_arguments(statement)] + [statement.returns]
                if any(annotation and WRITER in ast.unparse(annotation) for annotation in signature):
                    yield statement.lineno, f"{name} takes or returns a {WRITER}: it stays inside its module"
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


def _all_arguments(function: ast.FunctionDef) -> list[ast.arg]:
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def main(arguments: list[str]) -> int:
    """Check each package folder named; 1 when anything was found."""
    findings = [finding for root in arguments for finding in find_writers(Path(root))]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
