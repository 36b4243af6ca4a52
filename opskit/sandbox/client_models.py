"""Leads clients that name AWS's own STS host back to the sandbox, and keeps SageMaker's SDK from telling AWS what it
does there.

SageMaker's SDK, v2 and v3, builds ``https://sts.REGION.amazonaws.com`` itself for ``Session().default_bucket()`` and
``get_execution_role()``, whatever AWS_ENDPOINT_URL says. But which URL a client sends to is decided by the rules that
botocore loads for the service, and those in AWS_DATA_PATH come before its own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from opskit.sandbox.api_models import own_session

_SERVICE, _RULES = "sts", "endpoint-rule-set-1"
_DATA_VARIABLE = "AWS_DATA_PATH"
_SDK_VARIABLE = "SAGEMAKER_USER_CONFIG_OVERRIDE"
# Both versions of the SDK send the names of the functions that are called to a bucket of AWS's, unless they are told.
_SDK_SETTINGS = """SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""
_SDK_FILE = "sagemaker-sdk.yaml"


def write_client_models(folder: Path, url: str) -> Path:
    """Write rules by which every call to STS goes to ``url``, and settings for the SDK. Returns their folder."""
    loader = own_session().get_component("data_loader")
    rules: dict[str, Any] = loader.load_service_model(_SERVICE, _RULES)
    endpoint = {"url": url, "properties": {}, "headers": {}}
    rules = {**rules, "rules": [{"type": "endpoint", "conditions": [], "endpoint": endpoint}]}
    models = folder / "client-models"
    # The API's version is a folder: botocore takes the newest that has the file.
    place = models / _SERVICE / loader.determine_latest_version(_SERVICE, _RULES)
    place.mkdir(parents=True)
    (place / f"{_RULES}.json").write_text(json.dumps(rules), encoding="utf-8")
    (models / _SDK_FILE).write_text(_SDK_SETTINGS, encoding="utf-8")
    return models


def model_variables(models: Path) -> dict[str, str]:
    """The variables that make clients use these models, before what the user has in AWS_DATA_PATH, and the settings of
    the SDK beside them.
    """
    path = os.pathsep.join([str(models), *filter(None, [os.environ.get(_DATA_VARIABLE)])])
    return {_DATA_VARIABLE: path, _SDK_VARIABLE: str(models / _SDK_FILE)}
