"""What an endpoint answered, in the forms that other programs read."""

from __future__ import annotations

import io

from opskit.show.render import Output, Screen
from opskit.show.serve import predictions


def test_predictions_are_a_column_in_a_sheet() -> None:
    out = io.StringIO()
    Screen(Output.CSV, stdout=out).show(("predict",), predictions("boston-61cfa3bc59-1", (26.34, 21.5)))
    assert out.getvalue() == "predictions\n26.34\n21.5\n"
