"""Leads clients that name AWS's own STS host back to the sandbox.

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
VARIABLE = "AWS_DATA_PATH"


def write_client_models(folder: Path, url: str) -> Path:
    """Write rules by which every call to STS goes to ``url``. Returns the folder for AWS_DATA_PATH."""
    loader = own_session().get_component("data_loader")
    rules: dict[str, Any] = loader.load_service_model(_SERVICE, _RULES)
    endpoint = {"url": url, "properties": {}, "headers": {}}
    rules = {**rules, "rules": [{"type": "endpoint", "conditions": [], "endpoint": endpoint}]}
    models = folder / "client-models"
    # The API's version is a folder: botocore takes the newest that has the file.
    place = models / _SERVICE / loader.determine_latest_version(_SERVICE, _RULES)
    place.mkdir(parents=True)
    (place / f"{_RULES}.json").write_text(json.dumps(rules), encoding="utf-8")
    return models


def data_path(models: Path) -> str:
    """AWS_DATA_PATH with these models before what the user has there."""
    return os.pathsep.join([str(models), *filter(None, [os.environ.get(VARIABLE)])])
