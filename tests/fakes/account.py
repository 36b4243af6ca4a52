"""An account in memory, behind botocore: what a run makes there comes up, runs and ends, a look at a time.

It answers at ``BaseClient._make_api_call``, so opskit's own door and the SageMaker SDK both talk to it. Nothing passes
by itself: a thing in the making is one state further with every other look at it.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from opskit.aws.session import AwsSession
from opskit.core.tags import OWNER_TAG_KEYS
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.stubbed_client import ACCOUNT, REGION, shared_clients

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ROLE = {
    "RoleName": "exec",
    "Path": "/",
    "Arn": f"arn:aws:iam::{ACCOUNT}:role/exec",
    "AssumeRolePolicyDocument": json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}
    ),
}
WAYS = {
    "TrainingJob": ["InProgress", "InProgress", "Completed"],
    "TransformJob": ["InProgress", "InProgress", "Completed"],
    "Endpoint": ["Creating", "Creating", "InService"],
    "NotebookInstance": ["Pending", "Pending", "InService"],
    "Model": [""],
    "EndpointConfig": [""],
}
"""What each kind of thing is, look by look; the last state stays."""
BILLS = {
    "TrainingJob": ("InProgress",),
    "TransformJob": ("InProgress",),
    "Endpoint": ("Creating", "InService", "Updating"),
    "NotebookInstance": ("Pending", "InService"),
}
_NOT_THERE = {
    "Endpoint": 'Could not find endpoint "{}".',
    "EndpointConfig": 'Could not find endpoint configuration "{}".',
    "Model": 'Could not find model "{}".',
    "NotebookInstance": "RecordNotFound",
    "TrainingJob": "Requested resource not found.",
    "TransformJob": "Could not find requested job with name: {}",
}
"""How AWS says of each kind that there is none of a name."""
_SUMMARIES = {
    "ListTrainingJobs": ("TrainingJob", "TrainingJobSummaries"),
    "ListTransformJobs": ("TransformJob", "TransformJobSummaries"),
    "ListModels": ("Model", "Models"),
    "ListEndpoints": ("Endpoint", "Endpoints"),
    "ListEndpointConfigs": ("EndpointConfig", "EndpointConfigs"),
}


"""One set for all connections: making them takes longer than all that they do here."""


@dataclass
class Thing:
    """One thing of the account: what it was made with, and the states that are still to come."""

    kind: str
    name: str
    params: dict[str, Any]
    states: list[str]
    looks: int = 0

    @property
    def arn(self) -> str:
        """AWS's name of it."""
        word = re.sub(r"(?<!^)(?=[A-Z])", "-", self.kind).lower()
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{word}/{self.name}"

    @property
    def bills(self) -> bool:
        """Whether somebody has to stop it."""
        return self.states[0] in BILLS.get(self.kind, ())

    def look(self) -> None:
        """Every other look finds it a state further."""
        self.looks += 1
        if self.looks % 2 == 0 and len(self.states) > 1:
            self.states.pop(0)

    def summary(self) -> dict[str, Any]:
        """As a list and a description begin."""
        told = {
            f"{self.kind}Name": self.name,
            f"{self.kind}Arn": self.arn,
            "CreationTime": NOW,
            "LastModifiedTime": NOW,
        }
        return {**told, **({f"{self.kind}Status": self.states[0]} if self.states[0] else {})}


@dataclass
class Account:
    """The account. ``quotas`` are its applied quotas by name, and it has no others; ``ways`` are the states that things
    will go through; ``caller`` is who calls; ``refused_tags`` are the tag keys that a policy of it allows nobody;
    ``before`` and ``after`` are told of each call.
    """

    ways: dict[str, list[str]] = field(default_factory=lambda: dict(WAYS))
    caller: str = f"arn:aws:iam::{ACCOUNT}:user/me"
    refused_tags: tuple[str, ...] = ()
    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    quotas: dict[str, float] = field(default_factory=dict)
    before: Callable[[str], None] = lambda operation: None
    after: Callable[[str], None] = lambda operation: None

    def billing(self) -> set[tuple[str, str]]:
        """The kind and the name of all that runs."""
        return {key for key, thing in self.things.items() if thing.bills}

    def put(self, instance_type: str, name: str, *states: str, **params: Any) -> Thing:
        """Let something be there already."""
        thing = self.things[instance_type, name] = Thing(
            instance_type, name, params, list(states or self.ways[instance_type])
        )
        return thing

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """AWS's answer."""
        self.before(operation)
        self._refuse_tags(operation, params)
        verb, kind = re.match("(Create|Describe|Delete|Start|Stop)?(.*)", operation).groups()  # type: ignore[union-attr]
        if verb and kind in WAYS:
            answer = getattr(self, f"_{verb.lower()}")(operation, kind, params)
        elif operation in _SUMMARIES:
            answer = self._list(*_SUMMARIES[operation], params)
        else:
            answer = getattr(self, _snake_case(operation))(params)
        self.after(operation)
        return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def _refuse_tags(self, operation: str, params: dict[str, Any]) -> None:
        keys = {*(tag["Key"] for tag in params.get("Tags", ())), *dict(parse_qsl(params.get("Tagging", "")))}
        if keys & set(self.refused_tags):
            action = "s3:PutObjectTagging" if operation == "PutObject" else "sagemaker:AddTags"
            text = f"User: {self.caller} is not authorized to perform: {action} on resource: arn:aws:x because no "
            code = "AccessDenied" if operation == "PutObject" else "AccessDeniedException"
            raise client_error(operation, code, f"{text}identity-based policy allows the {action} action", 403)

    def _list(self, instance_type: str, key: str, params: dict[str, Any]) -> dict[str, Any]:
        named = [
            thing
            for thing in self.things.values()
            if thing.kind == instance_type and params.get("NameContains", "") in thing.name
        ]
        return {key: [thing.summary() for thing in named]}

    def _find(self, operation: str, instance_type: str, params: dict[str, Any]) -> Thing:
        name = params[f"{instance_type}Name"]
        if (instance_type, name) not in self.things:
            raise client_error(operation, "ValidationException", _NOT_THERE[instance_type].format(name))
        return self.things[instance_type, name]

    def _create(self, operation: str, instance_type: str, params: dict[str, Any]) -> dict[str, Any]:
        name = params[f"{instance_type}Name"]
        if (instance_type, name) in self.things:
            raise client_error(operation, "ResourceInUse", f"{instance_type} {name} already exists")
        self.put(instance_type, name, **params)
        if instance_type == "TransformJob":
            source = params["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
            rows = self.objects[source].decode().split()
            self.objects[f"{params['TransformOutput']['S3OutputPath']}/test.csv.out"] = b"22.5\n" * len(rows)
        if instance_type == "TrainingJob":
            self.objects[f"{params['OutputDataConfig']['S3OutputPath']}/model.tar.gz"] = b"model"
        return {f"{instance_type}Arn": self.things[instance_type, name].arn}

    def _describe(self, operation: str, instance_type: str, params: dict[str, Any]) -> dict[str, Any]:
        thing = self._find(operation, instance_type, params)
        thing.look()
        if thing.states[0] == "gone":
            del self.things[instance_type, thing.name]
            thing = self._find(operation, instance_type, params)
        response = {**thing.params, **thing.summary()}
        if instance_type == "TrainingJob":
            response |= {"SecondaryStatus": thing.states[0], "BillableTimeInSeconds": 60}
            response |= {
                "ModelArtifacts": {
                    "S3ModelArtifacts": f"{thing.params['OutputDataConfig']['S3OutputPath']}/model.tar.gz"
                }
            }
        return response

    def _delete(self, operation: str, instance_type: str, params: dict[str, Any]) -> dict[str, Any]:
        thing = self._find(operation, instance_type, params)
        if instance_type == "Endpoint":
            thing.states, thing.looks = ["Deleting", "Deleting", "gone"], 0
        else:
            del self.things[instance_type, thing.name]
        return {}

    def _start(self, operation: str, instance_type: str, params: dict[str, Any]) -> dict[str, Any]:
        thing = self._find(operation, instance_type, params)
        thing.states, thing.looks = list(self.ways[instance_type]), 0
        return {}

    def get_caller_identity(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Account": ACCOUNT, "Arn": self.caller}

    def list_roles(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Roles": [ROLE], "IsTruncated": False}

    def get_role(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Role": {**ROLE, "RoleName": params["RoleName"]}}

    def get_role_policy(self, params: dict[str, Any]) -> dict[str, Any]:
        return {}

    def get_service_quota(self, params: dict[str, Any]) -> dict[str, Any]:
        name = next((name for name in self.quotas if _quota_code(name) == params["QuotaCode"]), None)
        if name is None:
            raise client_error("GetServiceQuota", "NoSuchResourceException", "The request failed because …")
        return {"Quota": {"QuotaName": name, "QuotaCode": params["QuotaCode"], "Value": self.quotas[name]}}

    def get_a_w_s_default_service_quota(self, params: dict[str, Any]) -> dict[str, Any]:
        raise client_error("GetAWSDefaultServiceQuota", "NoSuchResourceException", "The request failed because …")

    def list_service_quotas(self, params: dict[str, Any]) -> dict[str, Any]:
        quotas = [(name, _quota_code(name), value) for name, value in self.quotas.items()]
        return {"Quotas": [{"QuotaName": name, "QuotaCode": code, "Value": value} for name, code, value in quotas]}

    def list_a_w_s_default_service_quotas(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.list_service_quotas(params)

    def list_requested_service_quota_change_history(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"RequestedQuotas": []}

    def search(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Results": []}

    def invoke_endpoint(self, params: dict[str, Any]) -> dict[str, Any]:
        """Each row's prediction is its first number."""
        rows = params["Body"].decode().splitlines()
        return {"Body": io.BytesIO(",".join(row.partition(",")[0] or "0" for row in rows).encode())}

    def get_products(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"PriceList": []}

    def list_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        thing = next(thing for thing in self.things.values() if thing.arn == params["ResourceArn"])
        return {"Tags": thing.params.get("Tags", [])}

    def describe_log_streams(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"logStreams": [{"logStreamName": f"{params.get('logStreamNamePrefix', 'AllTraffic/')}algo-1"}]}

    def get_log_events(self, params: dict[str, Any]) -> dict[str, Any]:
        events = [] if "nextToken" in params else [{"message": "[0]#011train-rmse:19.6"}]
        return {"events": events, "nextForwardToken": "end", "nextBackwardToken": "start"}

    def head_bucket(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"BucketRegion": REGION}

    def put_object(self, params: dict[str, Any]) -> dict[str, Any]:
        self.objects[f"s3://{params['Bucket']}/{params['Key']}"] = params["Body"]
        return {}

    def head_object(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"ContentLength": len(self._object("HeadObject", params))}

    def get_object(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._object("GetObject", params))}

    def list_objects_v2(self, params: dict[str, Any]) -> dict[str, Any]:
        home = f"s3://{params['Bucket']}/"
        keys = [uri.removeprefix(home) for uri in self.objects if uri.startswith(home + params["Prefix"])]
        return {"Contents": [{"Key": key} for key in keys], "IsTruncated": False}

    def delete_objects(self, params: dict[str, Any]) -> dict[str, Any]:
        for each in params["Delete"]["Objects"]:
            self.objects.pop(f"s3://{params['Bucket']}/{each['Key']}", None)
        return {}

    def _object(self, operation: str, params: dict[str, Any]) -> bytes:
        uri = f"s3://{params['Bucket']}/{params['Key']}"
        if uri not in self.objects:
            raise client_error(operation, "NoSuchKey", "The specified key does not exist.")
        return self.objects[uri]


def client_error(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    """AWS's no."""
    told = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, operation)


def _quota_code(name: str) -> str:
    """AWS's code of a quota, or one like it."""
    return bundled_codes().get(name, f"L-{zlib.crc32(name.encode()):08X}")


def _snake_case(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


@contextmanager
def in_memory(account: Account) -> Iterator[None]:
    """Let every connection that is opened lead to this account, and time pass at once."""

    def open_session(owner_keys: tuple[str, ...] = OWNER_TAG_KEYS, **_: Any) -> AwsSession:
        return AwsSession(shared_clients(), REGION, owner_keys=owner_keys)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", lambda _, operation, params: account.call(operation, params))
        patched.setattr("opskit.aws.session.open_session", open_session)
        patched.setattr("opskit.aws.pacing.RATES", {})
        patched.setattr("opskit.core.clock.time.sleep", lambda seconds: None)
        yield
