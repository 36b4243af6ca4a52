"""The program as such."""

from __future__ import annotations

import io
import sys

import pytest

from opskit.cli import main


def test_a_terminal_that_lacks_a_character_gets_its_answer_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    out.write("⠿\n")
    out.flush()
    assert (ended.value.code, out.buffer.getvalue()[-2:]) == (0, b"?\n")
