"""Studio: apps that run, and the volumes of spaces, which bill while no app runs too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.partitions import partition_of
from opskit.core.aws_statuses import AppStatus
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import first_unknown
from opskit.core.workloads import PriceComponent, StoragePrice
from opskit.inventory.rules.running_resource import (
    BilledInstances,
    BilledKind,
    BilledVerdict,
    BilledVolume,
    InventoryPart,
    RunningResource,
    aws_sagemaker_command,
)
from opskit.quotas.reads.descriptions import APP_KEY, Response, describe_listed, listed_app
from opskit.quotas.reads.usage_listings import list_summaries, space_volume_size

# What the app of a type is billed as. Another is listed without a price.
_COMPONENTS: Mapping[str, PriceComponent] = {
    "JupyterLab": PriceComponent.STUDIO_JUPYTERLAB,
    "CodeEditor": PriceComponent.STUDIO_CODEEDITOR,
    "KernelGateway": PriceComponent.STUDIO_KERNELGATEWAY,
    "RSessionGateway": PriceComponent.RSTUDIO_SESSION,
    "RStudioServerPro": PriceComponent.RSTUDIO_SERVER,
    "TensorBoard": PriceComponent.TENSORBOARD,
}
# The app that shows Studio itself runs on an instance of AWS's own.
_FREE_APP = ("JupyterServer", "system")
_PLAN_PAID = "a training plan has paid its instance in advance"
_IDLENESS_UNCHECKED = "idleness was not checked"

Owners = Mapping[tuple[str, str], str]
"""The user profile that owns a space, by domain and space."""


def read_studio(client: AwsClient) -> InventoryPart:
    """The apps of a Region that run, and the volumes of its spaces."""
    apps, spaces = gather(
        partial(list_summaries, client, "list_apps", "Apps", "AppType"),
        partial(list_summaries, client, "list_spaces", "Spaces", "SpaceName"),
    )
    listed_apps = [] if isinstance(apps, Unknown) else apps
    running = [app for app in listed_apps if AppStatus(app.get("Status", "")).may_hold_quota]
    present = [] if isinstance(spaces, Unknown) else [each for each in spaces if each.get("Status") != "Deleting"]
    owners = {_space_key(space): name for space in present if (name := _space_owner(space))}
    account = _account_or_empty(client) if running or present else ""
    found = gather_all([partial(_read_app, client, account, app, owners) for app in running])
    used = {_space_key(app) for app in running if app.get("SpaceName")}
    gap = first_unknown(apps, _unplaced_app(running))
    volumes = [
        _space_volume(client.region, account, space, owners, _space_key(space) in used or gap or False)
        for space in present
    ]
    gap = first_unknown(gap, spaces)
    known = [each for each in (*found, *volumes) if each is not None]
    return InventoryPart(tuple(known), () if gap is None else (gap,))


def _unplaced_app(running: Sequence[Response]) -> Unknown | None:
    """Why it is not known in which spaces apps run; None: AWS says of each in which it does, or that it has none."""
    if all(app.get("DomainId") and (app.get("SpaceName") or app.get("UserProfileName")) for app in running):
        return None
    return Unknown("AWS does not say in which space an app runs", "bad-answer")


def _account_or_empty(client: AwsClient) -> str:
    """The account, which a listing does not say; empty where STS does not either."""
    try:
        return client.session.identity().account
    except AwsError:
        return ""


def _space_key(record: Response) -> tuple[str, str]:
    return str(record.get("DomainId")), str(record.get("SpaceName"))


def _space_owner(space: Response) -> str | None:
    owner = (space.get("OwnershipSettingsSummary") or {}).get("OwnerUserProfileName")
    return str(owner) if owner else None


def _studio_arn(client_region: str, account: str, *parts: object) -> str:
    """The ARN of an app or a space, which its listing does not contain."""
    if not account:
        return ""
    path = "/".join(str(part) for part in parts if part)
    return f"arn:{partition_of(client_region).name}:sagemaker:{client_region}:{account}:{path}"


def _read_app(client: AwsClient, account: str, app: Response, owners: Owners) -> RunningResource | None:
    """An app that runs, described where its listing lacks its instance type; None: it is gone."""
    spec: Response = app.get("ResourceSpec") or {}
    gap: Unknown | None = None
    if not spec.get("InstanceType"):
        described = describe_listed(client, "describe_app", listed_app(app))
        if described is None:
            return None
        if isinstance(described, Unknown):
            gap = described
        else:
            spec = described.get("ResourceSpec") or {}
    return _running_app(client.region, account, app, spec, owners, gap)


def _running_app(
    region: str, account: str, app: Response, spec: Response, owners: Owners, gap: Unknown | None
) -> RunningResource:
    app_type, status = str(app["AppType"]), AppStatus(app.get("Status", ""))
    component, instance_type = _COMPONENTS.get(app_type), spec.get("InstanceType")
    free = _PLAN_PAID if spec.get("TrainingPlanArn") else ""
    if (app_type, instance_type) == _FREE_APP:
        free = "AWS does not bill the instance that shows Studio"
    sure = status.is_in_service
    return RunningResource(
        region,
        BilledKind.STUDIO_APP,
        "/".join(str(app[member]) for member in APP_KEY if app.get(member)),
        _studio_arn(
            region,
            account,
            "app",
            app.get("DomainId"),
            app.get("SpaceName") or app.get("UserProfileName"),
            app_type.lower(),
            app.get("AppName"),
        ),
        str(app.get("Status", "")),
        app.get("CreationTime"),
        () if component is None else (BilledInstances(instance_type, 1, component),),
        unpriced=f"it could not be described: {gap.reason}"
        if gap
        else ("" if component or free else f"opskit does not know the price of {app_type} apps"),
        free=free,
        verdict=BilledVerdict.RUNNING if sure else BilledVerdict.UNKNOWN,
        reason=_IDLENESS_UNCHECKED if sure else f"AWS says {app.get('Status')}, which may bill",
        stop_with=aws_sagemaker_command("delete-app", region, **_app_options(app)),
        unread=gap,
        profile_owner=str(app.get("UserProfileName") or owners.get(_space_key(app)) or "") or None,
    )


def _app_options(app: Response) -> dict[str, str]:
    options = {
        "domain_id": "DomainId",
        "space_name": "SpaceName",
        "user_profile_name": "UserProfileName",
        "app_type": "AppType",
        "app_name": "AppName",
    }
    return {option: str(app[member]) for option, member in options.items() if app.get(member)}


def _space_volume(
    region: str, account: str, space: Response, owners: Owners, is_used: bool | Unknown
) -> RunningResource | None:
    """The volume of a space; None: it has none."""
    size = space_volume_size(space)
    if size is None:
        return None
    domain, name = _space_key(space)
    stop_with = aws_sagemaker_command("delete-space", region, domain_id=domain, space_name=name)
    return RunningResource(
        region,
        BilledKind.VOLUME,
        f"{domain}/{name}",
        _studio_arn(region, account, "space", domain, name),
        str(space.get("Status", "")),
        space.get("CreationTime"),
        (BilledVolume(size, StoragePrice.STUDIO),),
        verdict=_volume_verdict(is_used),
        reason=f"the volume of the space {name}{_why_used_or_not(is_used)}",
        stop_with=stop_with if is_used is False else None,
        profile_owner=owners.get((domain, name)),
    )


def _why_used_or_not(is_used: bool | Unknown) -> str:
    if isinstance(is_used, Unknown):
        return f"; whether an app runs there could not be read: {is_used.reason}"
    return "" if is_used else ", in which no app runs: it bills until that is deleted, with its files"


def _volume_verdict(is_used: bool | Unknown) -> BilledVerdict:
    if isinstance(is_used, Unknown):
        return BilledVerdict.UNKNOWN
    return BilledVerdict.RUNNING if is_used else BilledVerdict.IDLE
