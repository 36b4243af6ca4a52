"""What tests of training in the sandbox share: a job without end, its log, and what AWS refuses it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

GROUP = "/aws/sagemaker/TrainingJobs"
FOREVER = {"num_round": "1000000"}


def log_lines(lab: Any, job: str) -> list[str]:
    logs = lab.client("logs")
    try:
        streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{job}/")["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    names = [stream["logStreamName"] for stream in streams]
    events = [logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True) for name in names]
    return [event["message"] for answer in events for event in answer["events"]]


def refused_code_and_text(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]
