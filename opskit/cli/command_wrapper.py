"""What a feature can put around other features' commands: flags, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@dataclass(frozen=True)
class CommandWrapper:
    """Extra flags of some commands, and the function that handles them around the command's body. It gets the context,
    the command's path, the body, and the flags by name. With --dry-run they are only checked, as the run would.
    """

    flags: Mapping[str, Any]
    run: Callable[..., CommandResult]
    check: Callable[..., object]
