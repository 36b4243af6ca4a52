"""JSON from outside is limited in depth, the same with every Python."""

from __future__ import annotations

import pytest

from opskit.core.json_text import load_outside_json


@pytest.mark.parametrize("depth", [202, 5000, 200_000])
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_is_refused(depth: int, opens: str, closes: str) -> None:
    inside = "1" if closes == "}" else ""
    with pytest.raises(ValueError, match="nested too deep"):
        load_outside_json(f"{opens * depth}{inside}{closes * depth}")


def test_what_plans_have_is_taken() -> None:
    assert load_outside_json(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    deep = load_outside_json(f"{'[' * 150}{']' * 150}")
    assert isinstance(deep, list)
    with pytest.raises(ValueError, match="Expecting"):
        load_outside_json("{")
