"""Whether the data of an endpoint's models are there is told of what was looked at, and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.core.stop_outcome import StopOutcome
from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
from opskit.endpoints.flows.stop_plan import plan_endpoint_stops
from opskit.endpoints.render.stop import endpoint_stop_result
from tests.fakes.account import in_memory
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.endpoint_stops import NAME, TERMS, client_of
from tests.fakes.stubbed_client import REGION

OBJECT = {"S3DataType": "S3Object", "CompressionType": "Gzip"}
PACKAGE = f"arn:aws:sagemaker:{REGION}:111122223333:model-package/p/1"


@pytest.mark.parametrize(
    ("container", "there", "said"),
    [
        ({"ModelPackageName": PACKAGE}, True, "unknown"),
        ({"AdditionalModelDataSources": [{"S3DataSource": {"S3Uri": f"s3://bucket/{NAME}", **OBJECT}}]}, False, None),
    ],
    ids=["of a model package", "with further data"],
)
def test_data_that_no_model_of_its_own_names_are_not_called_there(
    account: EndpointAccount,
    container: dict[str, object],
    there: bool,
    said: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A package tells its data itself; what further sources name is looked for as the model's own data are."""
    honest = EndpointAccount.do_describe_model

    def describe(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        model = honest(self, params)
        own = {} if "ModelPackageName" in container else model["PrimaryContainer"]
        return {**model, "PrimaryContainer": {**own, **container}}

    monkeypatch.setattr(EndpointAccount, "do_describe_model", describe)
    with in_memory(account):
        look = inspect_endpoints([client_of()], TERMS.idle_policy, account.now(), EndpointFilter((NAME,)))
        (action,) = plan_endpoint_stops(look, TERMS, account.now())
    [record] = endpoint_stop_result([action], look).data["endpoints"]
    assert (action.outcome is StopOutcome.PLANNED) == there, action.reason
    assert said is None or record["model_data"] == said
