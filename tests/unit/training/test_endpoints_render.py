"""What an endpoint answered, in the forms that other programs read."""

from __future__ import annotations

import io

from opskit.core.setting_values import OutputFormat
from opskit.output.screen import Screen
from opskit.training.render.endpoints import predict_result
from opskit.training.workflow import find_workflow


def test_predictions_are_a_column_in_a_sheet() -> None:
    out = io.StringIO()
    Screen(OutputFormat.CSV, stdout=out).show_result(
        ("predict",), predict_result(find_workflow("boston"), "boston-61cfa3bc59-1", ((26.34,), (21.5,)))
    )
    assert out.getvalue() == "predictions\n26.34\n21.5\n"
