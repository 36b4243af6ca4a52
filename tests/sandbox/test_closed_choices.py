"""Every table of the sandbox that is keyed by an enumeration has a row for each of its members."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import opskit.sandbox

IN_THE_NOTEBOOK = tuple(f"opskit.sandbox.notebooks.jupyter.{name}" for name in ("auth", "backdate", "serve"))
"""Loading these loads Jupyter."""


def tables() -> Iterator[tuple[str, Mapping[Any, Any], type[Enum]]]:
    """The module-level tables whose keys are members of one enumeration."""
    for info in pkgutil.walk_packages(opskit.sandbox.__path__, "opskit.sandbox."):
        if info.name in IN_THE_NOTEBOOK or info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if isinstance(value, Mapping) and value and all(isinstance(key, Enum) for key in value):
                yield f"{info.name}.{name}", value, type(next(iter(value)))


def test_every_table_keyed_by_an_enumeration_is_whole() -> None:
    found = list(tables())
    assert {name.rpartition(".")[2] for name, *_ in found} >= {"RESOURCE_QUOTAS", "STATUS_MESSAGES", "_STATUS_TRAITS"}
    assert [name for name, table, kind in found if set(table) != set(kind)] == []
