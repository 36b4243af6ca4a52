"""Name each table of opskit's that is keyed by one of its enumerations and has no row for some of the members.

mypy does not look at what a dict lacks. So a table keyed by an enumeration stands at the top of a module, where this
finds it, and has a row for every member; one for which there is nothing to say has an empty one.
``python -m tools.whole_tables`` imports every module of the ``opskit`` that Python finds, prints a line for each table
and each module that cannot be imported, and exits with 1 when there is any.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import opskit

_LOADS_JUPYTER = tuple(f"opskit.sandbox.notebooks.jupyter.{name}" for name in ("auth", "backdate", "serve"))
"""What runs inside a notebook's process."""


@dataclass(frozen=True)
class EnumTable:
    """A table of a module, and the enumeration that its keys are of."""

    name: str
    rows: Mapping[Any, Any]
    kind: type[Enum]

    @property
    def missing_members(self) -> list[str]:
        """The members it has no row for."""
        return [member.name for member in self.kind if member not in self.rows]


def find_modules() -> list[str]:
    """The names of opskit's modules, but for those that do something when they are loaded."""
    found = [info.name for info in pkgutil.walk_packages(opskit.__path__, "opskit.")]
    return [name for name in found if name not in _LOADS_JUPYTER and not name.endswith("__main__")]


def find_tables(namespaces: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[EnumTable]:
    """Each table in what modules define, by their names; one that is imported elsewhere once."""
    seen: set[int] = set()
    for module, names in namespaces:
        for name, value in names.items():
            if isinstance(value, Mapping) and id(value) not in seen:
                seen.add(id(value))
                yield from (EnumTable(f"{module}.{name}", value, kind) for kind in _kinds_of_keys(value))


def _kinds_of_keys(table: Mapping[Any, Any]) -> set[type[Enum]]:
    """The enumerations of opskit's that keys are of. A table may have other keys besides."""
    return {type(key) for key in table if isinstance(key, Enum) and type(key).__module__.startswith("opskit.")}


def main() -> int:
    """Check everything; 1 when anything was found."""
    findings: list[str] = []
    namespaces: list[tuple[str, Mapping[str, Any]]] = []
    for name in find_modules():
        try:
            namespaces.append((name, vars(importlib.import_module(name))))
        except Exception as error:  # whatever it is, the other modules are to be looked at, too
            findings.append(f"{name} cannot be imported: {error!r}")
    findings += [
        f"{table.name} has no row for {', '.join(table.missing_members)} of {table.kind.__name__}"
        for table in find_tables(namespaces)
        if table.missing_members
    ]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
