"""Service Quotas as AWS answers it: listings, single quotas, requests for more, and the utilisation report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from opskit.sandbox.account.regions import sagemaker_regions
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError
from opskit.sandbox.pagination import BadToken, page
from opskit.sandbox.quotas.increase_requests import OPEN, QuotaRequest
from opskit.sandbox.quotas.quota_catalogue import KnownQuota, RegionalQuota
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.state import Call, Place, World

_SERVICE = "service-quotas"
_PAGE = 100
_REPORT_PAGE = 1000
_REPORT_LIFE = timedelta(minutes=15)
_REPORT_TIME = timedelta(seconds=2)
_NAMES = {"ServiceCode": "sagemaker", "ServiceName": "Amazon SageMaker"}


@dataclass(frozen=True)
class _Report:
    place: Place
    started: datetime


class ServiceQuotas:
    """The quotas of one service, SageMaker, in every Region that has it."""

    def __init__(self, world: World, scenario: Scenario, book: QuotaBook) -> None:
        self._world = world
        self._scenario = scenario
        self._book = book
        self._reports: dict[str, _Report] = {}

    @owns(_SERVICE, "ListServices")
    def list_services(self, call: Call) -> dict[str, Any]:
        return _paged(call, "Services", [_NAMES], lambda service: service)

    @owns(_SERVICE, "ListServiceQuotas")
    def list_service_quotas(self, call: Call) -> dict[str, Any]:
        self._check_service(call)
        code = call.params.get("QuotaCode")
        level = call.params.get("QuotaAppliedAtLevel", "ACCOUNT")
        listed = [
            regional
            for regional in self._sorted(call.place)
            if self._book.applied(call.place, regional.quota.code) is not None
            and code in (None, regional.quota.code)
            and level in ("ACCOUNT", "ALL")
        ]
        return _paged(call, "Quotas", listed, lambda regional: self._applied(call.place, regional))

    @owns(_SERVICE, "ListAWSDefaultServiceQuotas")
    def list_defaults(self, call: Call) -> dict[str, Any]:
        self._check_service(call)
        return _paged(call, "Quotas", self._sorted(call.place), lambda regional: _default(call.place, regional))

    @owns(_SERVICE, "GetServiceQuota")
    def get_service_quota(self, call: Call) -> dict[str, Any]:
        regional = self._regional(call)
        if self._book.applied(call.place, regional.quota.code) is None:
            raise _no_such_quota(call)
        return {"Quota": self._applied(call.place, regional)}

    @owns(_SERVICE, "GetAWSDefaultServiceQuota")
    def get_default(self, call: Call) -> dict[str, Any]:
        return {"Quota": _default(call.place, self._regional(call))}

    @owns(_SERVICE, "RequestServiceQuotaIncrease")
    def request_increase(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            regional = self._regional(call)
            self._check_value(call, regional)
            self._check_open(call, regional.quota)
            request = self._book.requests.file(
                call.place,
                regional.quota,
                float(call.params["DesiredValue"]),
                self._world.now(),
                case_allowed=call.params.get("SupportCaseAllowed", True),
            )
        return {"RequestedQuota": self._change(request)}

    @owns(_SERVICE, "GetRequestedServiceQuotaChange")
    def get_requested(self, call: Call) -> dict[str, Any]:
        return {"RequestedQuota": self._change(self._request(call))}

    @owns(_SERVICE, "ListRequestedServiceQuotaChangeHistory")
    def list_requested(self, call: Call) -> dict[str, Any]:
        if "ServiceCode" in call.params:
            self._check_service(call)
        return self._history(call, self._book.requests.of_place(call.place))

    @owns(_SERVICE, "ListRequestedServiceQuotaChangeHistoryByQuota")
    def list_requested_by_quota(self, call: Call) -> dict[str, Any]:
        code = self._regional(call).quota.code
        asked = [request for request in self._book.requests.of_place(call.place) if request.quota.code == code]
        return self._history(call, asked)

    @owns(_SERVICE, "CreateSupportCase")
    def create_support_case(self, call: Call) -> dict[str, Any]:
        request = self._request(call)
        now = self._world.now()
        match request.status(now):
            case "PENDING":
                self._book.requests.open_case(request, now)
            case "CASE_OPENED":
                raise ApiError("ResourceAlreadyExistsException", "A support case already exists for this request.")
            case status:
                raise ApiError(
                    "InvalidResourceStateException",
                    f"A support case can be created for a PENDING request only; this request is {status}.",
                )
        return {}

    @owns(_SERVICE, "StartQuotaUtilizationReport")
    def start_report(self, call: Call) -> dict[str, Any]:
        report_id = str(uuid4())
        self._reports[report_id] = _Report(call.place, self._world.now())
        return {"ReportId": report_id, "Status": "PENDING", "Message": "Report generation has started."}

    @owns(_SERVICE, "GetQuotaUtilizationReport")
    def get_report(self, call: Call) -> dict[str, Any]:
        report_id = call.params["ReportId"]
        report = self._reports.get(report_id)
        now = self._world.now()
        if report is None or report.place != call.place or now > report.started + _REPORT_LIFE:
            raise ApiError("NoSuchResourceException", "The specified report does not exist.")
        if now < report.started + _REPORT_TIME:
            return {"ReportId": report_id, "Status": "IN_PROGRESS"}
        in_use = self._book.in_use(call.place)
        quotas = self._sorted(call.place)
        done = {
            "ReportId": report_id,
            "Status": "COMPLETED",
            "GeneratedAt": report.started + _REPORT_TIME,
            "TotalCount": len(quotas),
        }
        rows = _paged(
            call, "Quotas", quotas, lambda regional: self._utilization(call.place, regional, in_use), _REPORT_PAGE
        )
        return done | rows

    def _check_service(self, call: Call) -> None:
        if call.params["ServiceCode"] != _NAMES["ServiceCode"] or call.place.region not in sagemaker_regions():
            raise ApiError(
                "NoSuchResourceException",
                "This service is not available in the current Region. "
                "Choose a different Region or a different service.",
            )

    def _sorted(self, place: Place) -> list[RegionalQuota]:
        return list(self._book.quotas(place).values())

    def _regional(self, call: Call) -> RegionalQuota:
        self._check_service(call)
        regional = self._book.quotas(call.place).get(call.params["QuotaCode"])
        if regional is None:
            raise _no_such_quota(call)
        return regional

    def _request(self, call: Call) -> QuotaRequest:
        request = self._book.requests.named(call.place, call.params["RequestId"])
        if request is None:
            raise ApiError(
                "NoSuchResourceException",
                f"The request failed because the quota request {call.params['RequestId']} does not exist.",
            )
        return request

    def _check_value(self, call: Call, regional: RegionalQuota) -> None:
        desired = call.params["DesiredValue"]
        if not regional.quota.adjustable:
            raise _illegal("The request failed because the specified quota is not adjustable.")
        if desired <= regional.default:
            raise _illegal(f"You must provide a quota value greater than the default quota value of {regional.default}")
        applied = self._book.applied(call.place, regional.quota.code)
        if applied is not None and desired <= applied:
            raise _illegal("You must provide a quota value greater than the current quota value")

    def _check_open(self, call: Call, quota: KnownQuota) -> None:
        now = self._world.now()
        account = self._book.requests.of_account(call.place.account)
        still_open = [request for request in account if request.status(now) in OPEN]
        here = [request for request in still_open if request.place == call.place]
        if any(request.quota == quota for request in here):
            raise ApiError(
                "ResourceAlreadyExistsException",
                "Only one open service quota increase request is allowed per quota.",
            )
        if len(here) >= self._scenario.open_per_region:
            raise _too_many_open(self._scenario.open_per_region, "Region")
        if len(still_open) >= self._scenario.open_per_account:
            raise _too_many_open(self._scenario.open_per_account, "account")

    def _history(self, call: Call, asked: Iterable[QuotaRequest]) -> dict[str, Any]:
        now = self._world.now()
        status = call.params.get("Status")
        level = call.params.get("QuotaRequestedAtLevel", "ACCOUNT")
        listed = [request for request in asked if status in (None, request.status(now)) and level in ("ACCOUNT", "ALL")]
        return _paged(call, "RequestedQuotas", listed, self._change)

    def _applied(self, place: Place, regional: RegionalQuota) -> dict[str, Any]:
        quota = regional.quota
        return _described(quota) | {
            "QuotaArn": _arn(place, quota),
            "Value": self._book.applied(place, quota.code),
            "QuotaAppliedAtLevel": "ACCOUNT",
        }

    def _change(self, request: QuotaRequest) -> dict[str, Any]:
        now = self._world.now()
        status = request.status(now)
        return _NAMES | {
            "Id": request.id,
            "CaseId": request.case_id if request.has_case(now) else None,
            "QuotaCode": request.quota.code,
            "QuotaName": request.quota.name,
            "DesiredValue": request.desired,
            "Status": status,
            "Created": request.created,
            "LastUpdated": request.updated(now),
            "Requester": json.dumps(
                {"accountId": request.place.account, "callerArn": f"arn:aws:iam::{request.place.account}:root"}
            ),
            "QuotaArn": _arn(request.place, request.quota),
            "GlobalQuota": False,
            "Unit": "None",
            "QuotaRequestedAtLevel": "ACCOUNT",
        }

    def _utilization(self, place: Place, regional: RegionalQuota, in_use: dict[str, int]) -> dict[str, Any]:
        quota = regional.quota
        applied = self._book.applied(place, quota.code)
        counts = regional.default if applied is None else applied
        used = in_use.get(quota.metric, 0)
        return _NAMES | {
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Namespace": "AWS/Usage" if quota.metric else None,
            "Utilization": 100.0 * used / counts if quota.metric and counts else None,
            "DefaultValue": regional.default,
            "AppliedValue": applied,
            "Adjustable": quota.adjustable,
        }


def _paged(
    call: Call, name: str, items: Sequence[Any], shown: Callable[[Any], dict[str, Any]], most: int = _PAGE
) -> dict[str, Any]:
    try:
        listed, token = page(call, items, call.params.get("MaxResults", most), call.params.get("NextToken"))
    except BadToken as error:
        raise ApiError("InvalidPaginationTokenException", "Invalid NextToken.") from error
    return {name: [shown(item) for item in listed], "NextToken": token}


def _described(quota: KnownQuota) -> dict[str, Any]:
    return _NAMES | {
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Unit": "None",
        "Adjustable": quota.adjustable,
        "GlobalQuota": False,
        "UsageMetric": _usage_metric(quota) if quota.metric else None,
        "Period": {"PeriodUnit": quota.period[0], "PeriodValue": quota.period[1]} if quota.period else None,
    }


def _usage_metric(quota: KnownQuota) -> dict[str, Any]:
    return {
        "MetricNamespace": "AWS/Usage",
        "MetricName": "ResourceCount",
        "MetricDimensions": {
            "Class": "None",
            "Resource": quota.metric,
            "Service": "SageMaker",
            "Type": "Resource",
        },
        "MetricStatisticRecommendation": "Maximum",
    }


def _default(place: Place, regional: RegionalQuota) -> dict[str, Any]:
    return _described(regional.quota) | {
        "QuotaArn": f"arn:aws:servicequotas:{place.region}::sagemaker/{regional.quota.code}",
        "Value": regional.default,
    }


def _arn(place: Place, quota: KnownQuota) -> str:
    return place.arn(f"sagemaker/{quota.code}", service="servicequotas")


def _illegal(message: str) -> ApiError:
    return ApiError("IllegalArgumentException", message)


def _no_such_quota(call: Call) -> ApiError:
    return ApiError(
        "NoSuchResourceException",
        f"The request failed because the specified quota {call.params['QuotaCode']} does not exist "
        "for service sagemaker.",
    )


def _too_many_open(most: int, where: str) -> ApiError:
    return ApiError(
        "QuotaExceededException",
        f"Only {most} open service quota increase requests are allowed per {where}.",
    )
