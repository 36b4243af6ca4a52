"""Chooses among instance types by the room that there is for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from opskit.aws.api_members import has_request_member
from opskit.aws.client import AwsClient
from opskit.aws.prices import read_price
from opskit.core.cost import CostItem
from opskit.core.exceptions import UsageError
from opskit.core.model import InstanceConfig, Price, Requirement, Unknown, Workload
from opskit.core.workloads import WORKLOADS, PriceComponent
from opskit.quotas.flows.check import check_quotas
from opskit.quotas.rules.model import Headroom
from opskit.training.rules.instance_preferences import TypeChoice, choose_types, unchecked_choice


def choose_instance_types(
    client: AwsClient,
    configs: Mapping[Workload, InstanceConfig],
    workloads: Sequence[Workload],
    any_of: Sequence[str],
    now: datetime,
    *,
    guard: bool,
) -> dict[Workload, TypeChoice]:
    """The types to name for each workload, of those in ``any_of``; nothing where it is empty.

    Raises:
        UsageError: the installed botocore does not know lists of types.
    """
    # A warm pool has the type that its training got.
    wanted = [workload for workload in workloads if WORKLOADS[workload].price]
    if not any_of or not wanted:
        return {}
    for workload in wanted:
        _check_known(workload)
    if guard:
        needs = [Requirement(name, workload, configs[workload].count) for workload in wanted for name in any_of]
        check = check_quotas([client], needs, now)
        choices = {workload: choose_types(any_of, workload, check) for workload in wanted}
    else:
        choices = {workload: unchecked_choice(any_of, workload) for workload in wanted}
    for workload in wanted:
        if not WORKLOADS[workload].type_list:
            choices[workload] = choices[workload].without_alternatives()
    if Workload.WARM_POOL in workloads:
        choices[Workload.WARM_POOL] = TypeChoice(choices[Workload.TRAINING].types, (), ())
    return choices


def price_cost_item(client: AwsClient, workload: Workload, config: InstanceConfig) -> CostItem:
    """The price of the dearest of the types that AWS may take; it is unknown if any of them is."""
    # AWS lists no price for a warm pool, and bills its instances as training.
    component = WORKLOADS[workload].price or PriceComponent.TRAINING
    prices = [read_price(client, name, component) for name in config.preferences or (config.instance_type,)]
    unknown = next((price for price in prices if isinstance(price, Unknown)), None)
    known = [price for price in prices if isinstance(price, Price)]
    return CostItem(workload, config, unknown or max(known, key=lambda price: price.usd_per_hour))


def alternative_headrooms(choices: Mapping[Workload, TypeChoice]) -> list[Headroom]:
    """The headrooms of all types but the first of each workload, which is checked with the totals above it."""
    return [headroom for choice in choices.values() for headroom in choice.headrooms[1:]]


def _check_known(workload: Workload) -> None:
    member = WORKLOADS[workload].type_list
    if member and not has_request_member("sagemaker", *member):
        text = f"The installed botocore does not know {member[-1]}, which --any-of needs."
        raise UsageError("sdk-too-old", text, "Install a newer boto3 (1.44 knows it), or name one --instance-type.")
