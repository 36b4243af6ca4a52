"""Find tables that are keyed by one of opskit's enumerations and have no row for some of its members.

mypy does not report a missing key. So a table keyed by an enumeration is defined at module level, where this finds it,
and has a row for every member, an empty one where there is nothing to say.
``python -m tools.whole_tables`` imports all modules of opskit, or those it is given the names of, prints one line per
incomplete table and per module that cannot be imported, and exits with 1 if there are any.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import opskit

_LOADS_JUPYTER = tuple(f"opskit.sandbox.notebooks.jupyter.{name}" for name in ("auth", "backdate", "serve"))
"""Modules that run in a notebook's own process."""

_ASSIGNED = re.compile(r"^ *(\w+)(?:: [^=\n]+)? = ", re.MULTILINE)
"""The names that a source gives to values. To parse it takes ten times as long."""


@dataclass(frozen=True)
class EnumTable:
    """A table of a module, and the enumeration of its keys."""

    name: str
    rows: Mapping[Any, Any]
    kind: type[Enum]

    @property
    def missing_members(self) -> list[str]:
        """The members without a row."""
        return [member.name for member in self.kind if member not in self.rows]


def find_modules() -> list[str]:
    """The names of opskit's modules that can be imported without side effects."""
    found = [info.name for info in pkgutil.walk_packages(opskit.__path__, "opskit.")]
    return [name for name in found if name not in _LOADS_JUPYTER and not name.endswith("__main__")]


def own_namespaces(modules: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables that each module makes itself, by name: one is named where its rows are, not where it is imported."""
    for name in modules:
        module = importlib.import_module(name)
        tables = {each: value for each, value in vars(module).items() if _is_table(value)}
        if tables:
            own = set(_ASSIGNED.findall(Path(module.__file__ or "").read_text(encoding="utf-8")))
            yield name, {each: value for each, value in tables.items() if each in own}


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(_kinds_of_keys(value))


def find_tables(namespaces: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[EnumTable]:
    """The tables in the namespaces of modules. A table with several names is returned once."""
    seen: set[int] = set()
    for module, names in namespaces:
        for name, value in names.items():
            if isinstance(value, Mapping) and id(value) not in seen:
                seen.add(id(value))
                yield from (EnumTable(f"{module}.{name}", value, kind) for kind in _kinds_of_keys(value))


def _kinds_of_keys(table: Mapping[Any, Any]) -> set[type[Enum]]:
    """The opskit enumerations among the types of the keys. A table may have other keys, too."""
    return {type(key) for key in table if isinstance(key, Enum) and type(key).__module__.startswith("opskit.")}


def main(modules: Sequence[str]) -> int:
    """Check the tables of these modules, of all where none is named; return 1 if anything was found."""
    findings: list[str] = []
    importable: list[str] = []
    for name in modules or find_modules():
        try:
            importlib.import_module(name)
            importable.append(name)
        except Exception as error:  # the other modules are still checked
            findings.append(f"{name} cannot be imported: {error!r}")
    findings += [
        f"{table.name} has no row for {', '.join(table.missing_members)} of {table.kind.__name__}"
        for table in find_tables(own_namespaces(importable))
        if table.missing_members
    ]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
