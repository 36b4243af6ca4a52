"""Seeds of tests that live through many made-up lives: the first few always, the others when ``make soak`` asks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest


def few_of_many(few: int, many: int, also: Collection[int] = ()) -> list[Any]:
    """Seeds for ``pytest.mark.parametrize``: of all ``many``, those after the first ``few`` are marked ``soak``, but
    those that are to run ``also``.
    """
    always = {*range(few), *also}
    return [seed if seed in always else pytest.param(seed, marks=pytest.mark.soak) for seed in range(many)]
