"""Tell every setting, with what boto3 would choose where opskit leaves the choice to it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from opskit.aws.session import find_default_region
from opskit.core.settings import Setting, Settings
from opskit.quotas.flows.watch_list import watch_requirements


def all_settings(settings: Settings) -> Mapping[str, Setting]:
    """Each key's value and where it came from.

    Raises:
        UsageError: the watch list speaks of a type or a use that cannot be one.
    """
    values = dict(settings.values)
    for watch in settings.get("watch") or ():
        watch_requirements(watch, values["watch"].source)
    if values["profile"].value is None:
        # In botocore's order: it reads AWS_DEFAULT_PROFILE first.
        variable = next((name for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE") if os.environ.get(name)), None)
        values["profile"] = Setting(os.environ[variable], variable) if variable else values["profile"]
    if values["regions"].value is None and (default := find_default_region(values["profile"].value)):
        values["regions"] = Setting((default[0],), default[1])
    return values
