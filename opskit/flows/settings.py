"""Tell every setting, with what boto3 would choose where opskit leaves the choice to it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from opskit.aws import usual_region
from opskit.flows.watch_list import watch_demands
from opskit.settings import Setting, Settings


def everything(settings: Settings) -> Mapping[str, Setting]:
    """Each key's value and where it came from.

    Raises:
        UsageProblem: the watch list speaks of a type or a use that cannot be one.
    """
    values = dict(settings.values)
    for watch in settings.get("watch") or ():
        watch_demands(watch, values["watch"].source)
    if values["profile"].value is None:
        variable = next((name for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE") if os.environ.get(name)), None)
        values["profile"] = Setting(os.environ[variable], variable) if variable else values["profile"]
    if values["regions"].value is None and (usual := usual_region(values["profile"].value)):
        values["regions"] = Setting((usual[0],), usual[1])
    return values
