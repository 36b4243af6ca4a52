"""Lets the calls of a process, and of those that are forked from it, share what checks their arguments. The SageMaker
SDK has pydantic make it anew for each call of a resource, for up to a tenth of a second.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pydantic

_make_checked = pydantic.validate_call


def share_validators(patch: Callable[[Any, str, Any], None]) -> None:
    """Share them among what is imported while the patch lasts that ``patch`` makes: ``setattr``, or a MonkeyPatch's."""
    patch(pydantic, "validate_call", _shared_validate_call)


def _shared_validate_call(
    function: Callable[..., Any] | None = None, /, *, config: Mapping[str, Any] | None = None, **more: Any
) -> Any:
    """As pydantic's own, which of two calls for the same function makes two that check the same."""
    if function is not None or more:
        return _make_checked(function, config=config, **more)  # type: ignore[call-overload]
    return functools.partial(_checked, config=frozenset((config or {}).items()))


@functools.cache
def _checked(function: Callable[..., Any], config: frozenset[tuple[str, Any]]) -> Any:
    return _make_checked(config=dict(config))(function)  # type: ignore[call-overload]
