"""What CloudWatch does not answer whole is unknown: to a decision about idleness, an empty list would be silence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.metrics import METRICS_PER_CALL, MetricQuery, read_metrics
from opskit.aws.session import open_session
from opskit.core.model import Unknown
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, FakeAws, Fault

END = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
BEGIN = END - timedelta(hours=24)
HOUR = timedelta(hours=1)
QUERY = MetricQuery("N", "M", [{"Name": "n", "Value": "v"}], "Maximum", HOUR)
Page = Mapping[str, Any]


def page(*, more: bool = False, messages: tuple[str, ...] = (), **told: Any) -> Page:
    """An answer that is whole, and says besides what is ``told`` of its only metric."""
    points = {"Timestamps": [(END - HOUR).timestamp(), BEGIN.timestamp()], "Values": [1.0, 2.0]}
    said = [{"Code": "c", "Value": each} for each in messages]
    answer = {"MetricDataResults": [{"Id": "m0", "StatusCode": "Complete", **points, **told}], "Messages": said}
    return {**answer, "NextToken": "t"} if more else answer


@pytest.fixture
def client(fake_aws: FakeAws, no_backoff: None) -> AwsClient:
    return open_session().client("us-east-1")


def read_from(fake_aws: FakeAws, client: AwsClient, *pages: Page) -> Any:
    left = list(pages)
    fake_aws.running["GetMetricData"] = lambda asked: dict(left.pop(0))
    (points,) = read_metrics(client, [QUERY], BEGIN, END)
    assert left == []
    return points


def test_all_pages_make_the_points(fake_aws: FakeAws, client: AwsClient) -> None:
    whole = [(END - HOUR, 1.0), (BEGIN, 2.0)]
    assert read_from(fake_aws, client, page()) == whole
    assert read_from(fake_aws, client, page(Timestamps=[], Values=[])) == []
    later = page(Timestamps=[(BEGIN + HOUR).timestamp()], Values=[0.0])
    assert read_from(fake_aws, client, page(StatusCode="PartialData", more=True), later) == [
        *whole,
        (BEGIN + HOUR, 0.0),
    ]
    # The period that BEGIN is in began before it.
    assert read_from(fake_aws, client, page(Timestamps=[(BEGIN - HOUR / 2).timestamp()], Values=[1.0])) != []


NONE: dict[str, Any] = {"Timestamps": [], "Values": []}
AT = BEGIN.timestamp()


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        pytest.param([page(StatusCode="InternalError", **NONE)], "InternalError", id="internal error"),
        pytest.param([page(StatusCode="Forbidden", **NONE)], "Forbidden", id="forbidden"),
        pytest.param([page(StatusCode="Tomorrow", **NONE)], "Tomorrow", id="a status of tomorrow"),
        pytest.param([page(StatusCode=None, **NONE)], "nothing of its state", id="no status"),
        pytest.param([page(StatusCode="PartialData")], "only in part", id="a part"),
        pytest.param([page(StatusCode="PartialData", **NONE)], "only in part", id="a part without points"),
        pytest.param([page(more=True), page(StatusCode="PartialData")], "only in part", id="a part on the last page"),
        pytest.param([page(StatusCode="InternalError", more=True), page()], "InternalError", id="an error of a page"),
        pytest.param(
            [page(Messages=[{"Code": "c", "Value": "no luck"}], **NONE)], "no luck", id="a message of the metric"
        ),
        pytest.param([page(messages=("too many",), **NONE)], "too many", id="a message of the answer"),
        pytest.param([page(messages=("too many",), more=True), page()], "too many", id="a message of the first page"),
        pytest.param([page(Values=[])], "no sense", id="times without values"),
        pytest.param([page(Timestamps=[])], "no sense", id="values without times"),
        pytest.param([page(Timestamps=[AT, AT], Values=[0.0])], "no sense", id="a value too few"),
        *(
            pytest.param([page(Timestamps=[AT, AT], Values=[0.0, value])], "no sense", id=f"{value!r}")
            for value in ("NaN", nan, inf)
        ),
        pytest.param([page(Timestamps=[AT], Values=[-1.0])], "no sense", id="less than nothing"),
        pytest.param([page(Timestamps=[0], Values=[1.0])], "no sense", id="before what was asked for"),
        pytest.param([page(Id="m1")], "left it out", id="another metric"),
        pytest.param([{"MetricDataResults": []}], "left it out", id="no metric"),
        pytest.param([{}], "not valid", id="an empty answer"),
        pytest.param([page(more=True), page(more=True)], "same token", id="pages without an end"),
    ],
)
def test_what_is_not_whole_is_unknown(fake_aws: FakeAws, client: AwsClient, pages: list[Page], reason: str) -> None:
    points = read_from(fake_aws, client, *pages)
    assert isinstance(points, Unknown)
    assert reason in points.reason


@pytest.mark.parametrize("fault", [BROKEN, CLOSED, GARBLED, DENIED])
def test_no_answer_is_unknown_of_all(fake_aws: FakeAws, client: AwsClient, fault: Fault) -> None:
    fake_aws.fault = lambda called, _: fault
    assert [type(points) for points in read_metrics(client, [QUERY] * 2, BEGIN, END)] == [Unknown] * 2


def test_many_metrics_take_several_calls_and_keep_their_order(fake_aws: FakeAws, client: AwsClient) -> None:
    def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
        queries = asked["MetricDataQueries"]
        names = {query["Id"]: query["MetricStat"]["Metric"]["MetricName"] for query in queries}
        results = [
            {"Id": id, "StatusCode": "Complete", "Timestamps": [AT], "Values": [float(name)]}
            for id, name in names.items()
        ]
        return {"MetricDataResults": results[::-1]}

    fake_aws.running["GetMetricData"] = answer
    queries = [MetricQuery("N", str(number), [], "Sum", HOUR) for number in range(METRICS_PER_CALL + 2)]
    read = read_metrics(client, queries, BEGIN, END)
    assert read == [[(BEGIN, float(number))] for number in range(METRICS_PER_CALL + 2)]
    assert fake_aws.count("GetMetricData") == 2
