"""The template of the role, as CloudFormation takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opskit.output.result import CommandResult


def role_result(template: Mapping[str, Any]) -> CommandResult:
    """The answer of ``fleet role``."""
    return CommandResult({"template": template}, notes=(json.dumps(template, indent=2),))
