"""CloudWatch's data points are read by ``opskit.aws.metrics``, which holds that a part, or an error, is no silence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "opskit"
READER = Path("aws/metrics.py")
# The statistics too, and the picture of a metric: they do not even say whether they are whole.
OPERATIONS = {"get_metric_data", "get_metric_statistics", "get_metric_widget_image"}


def named_operations(tree: ast.Module) -> Iterator[int]:
    """The lines that name an operation that reads metrics, as the client is called with it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in OPERATIONS:
            yield node.lineno


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('for page in client.paginate("cloudwatch", "get_metric_data", **asked):\n    pass', [1]),
        ('pass\nclient.read(*("cloudwatch", "get_metric_statistics"))', [2]),
        ('_OPERATION = "get_metric_data"', [1]),
        ('service_calls("cloudwatch", "GetMetricData")', []),
        ('"""It calls get_metric_data."""', []),
    ],
)
def test_who_reads_metrics_is_found(source: str, lines: list[int]) -> None:
    assert list(named_operations(ast.parse(source))) == lines


def test_nothing_else_reads_metrics() -> None:
    """Call ``read_metrics`` of opskit/aws/metrics.py: it tells silence from what CloudWatch did not answer."""
    texts = {path.relative_to(PACKAGE): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    found = {path for path, text in texts.items() if "get_metric_" in text and list(named_operations(ast.parse(text)))}
    assert found == {READER}
