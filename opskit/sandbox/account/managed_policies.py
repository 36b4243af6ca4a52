"""AWS's managed policies that people who use SageMaker attach to roles, such as AmazonSageMakerFullAccess."""

from __future__ import annotations

import json
import re
from functools import cache

from moto.core.config import default_user_config
from moto.iam import models
from moto.iam.aws_managed_policies import aws_managed_policies_data

_LOADED_POLICIES = re.compile(
    r"AmazonSageMaker.*|AmazonS3.*|CloudWatch.*|AmazonEC2ContainerRegistry.*|ServiceQuotas.*|AmazonSNS.*|IAM.*|"
    r"AWSSupport.*|AWSPriceList.*|AdministratorAccess|PowerUserAccess|ReadOnlyAccess|ViewOnlyAccess|SecurityAudit"
)


@cache
def load_managed_policies() -> None:
    """Let every account of moto's have these policies; all 1,582 would hold 20 MB an account."""
    all_policies = json.loads(aws_managed_policies_data)
    loaded = {name: policy for name, policy in all_policies.items() if _LOADED_POLICIES.fullmatch(name)}
    models.aws_managed_policies_data = json.dumps(loaded)  # type: ignore[attr-defined]
    default_user_config["iam"] = {"load_aws_managed_policies": True}
