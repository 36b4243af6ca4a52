"""Service Quotas as AWS answers it: listings, single quotas, and requests for more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from opskit.sandbox.api_models import sagemaker_regions
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError
from opskit.sandbox.quotas.increase_requests import QuotaRequest, RequestStatus
from opskit.sandbox.quotas.quota_catalogue import KnownQuota, RegionalQuota
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.quotas.quota_responses import SERVICE_NAMES, default_quota, quota_arn, quota_members, quota_page
from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState

_SERVICE = "service-quotas"


class QuotaService:
    """The quotas of one service, SageMaker, in every Region that has it."""

    def __init__(self, state: SandboxState, scenario: Scenario, ledger: QuotaLedger) -> None:
        self._state = state
        self._scenario = scenario
        self._ledger = ledger

    @aws_operation(_SERVICE, "ListServices")
    def list_services(self, call: ApiCall) -> dict[str, Any]:
        return quota_page(call, "Services", [SERVICE_NAMES], lambda service: service)

    @aws_operation(_SERVICE, "ListServiceQuotas")
    def list_service_quotas(self, call: ApiCall) -> dict[str, Any]:
        self._check_service(call)
        code = call.params.get("QuotaCode")
        # All quotas here are the account's: who asks for those of a resource finds none.
        level = call.params.get("QuotaAppliedAtLevel", "ACCOUNT")
        listed = [
            regional
            for regional in self._quotas_by_name(call.account_region)
            # A quota without an applied value is missing from this list, as with AWS; the list of defaults has it.
            if self._ledger.applied_value(call.account_region, regional.quota.code) is not None
            and code in (None, regional.quota.code)
            and level in ("ACCOUNT", "ALL")
        ]
        return quota_page(call, "Quotas", listed, lambda regional: self._applied_quota(call.account_region, regional))

    @aws_operation(_SERVICE, "ListAWSDefaultServiceQuotas")
    def list_default_quotas(self, call: ApiCall) -> dict[str, Any]:
        self._check_service(call)
        return quota_page(
            call,
            "Quotas",
            self._quotas_by_name(call.account_region),
            lambda regional: default_quota(call.account_region, regional),
        )

    @aws_operation(_SERVICE, "GetServiceQuota")
    def get_service_quota(self, call: ApiCall) -> dict[str, Any]:
        regional = self._find_quota(call)
        if self._ledger.applied_value(call.account_region, regional.quota.code) is None:
            raise _no_such_quota_error(call)
        return {"Quota": self._applied_quota(call.account_region, regional)}

    @aws_operation(_SERVICE, "GetAWSDefaultServiceQuota")
    def get_default_quota(self, call: ApiCall) -> dict[str, Any]:
        return {"Quota": default_quota(call.account_region, self._find_quota(call))}

    @aws_operation(_SERVICE, "RequestServiceQuotaIncrease")
    def request_increase(self, call: ApiCall) -> dict[str, Any]:
        # Under the lock, so that of two requests for one quota only one finds none open.
        with self._state.lock(call.account_region):
            regional = self._find_quota(call)
            self._check_desired_value(call, regional)
            self._check_open_requests(call, regional.quota)
            request = self._ledger.requests.file_request(
                call.account_region,
                regional.quota,
                float(call.params["DesiredValue"]),
                self._state.now(),
                case_allowed=call.params.get("SupportCaseAllowed", True),
            )
        return {"RequestedQuota": self._requested_change(request)}

    @aws_operation(_SERVICE, "GetRequestedServiceQuotaChange")
    def get_requested_change(self, call: ApiCall) -> dict[str, Any]:
        return {"RequestedQuota": self._requested_change(self._find_request(call))}

    @aws_operation(_SERVICE, "ListRequestedServiceQuotaChangeHistory")
    def list_requested_changes(self, call: ApiCall) -> dict[str, Any]:
        if "ServiceCode" in call.params:
            self._check_service(call)
        return self._history_response(call, self._ledger.requests.region_requests(call.account_region))

    @aws_operation(_SERVICE, "ListRequestedServiceQuotaChangeHistoryByQuota")
    def list_requested_changes_by_quota(self, call: ApiCall) -> dict[str, Any]:
        code = self._find_quota(call).quota.code
        requests = [
            request
            for request in self._ledger.requests.region_requests(call.account_region)
            if request.quota.code == code
        ]
        return self._history_response(call, requests)

    @aws_operation(_SERVICE, "CreateSupportCase")
    def create_support_case(self, call: ApiCall) -> dict[str, Any]:
        request = self._find_request(call)
        now = self._state.now()
        match request.status_at(now):
            case RequestStatus.PENDING:
                self._ledger.requests.open_case(request, now)
            case RequestStatus.CASE_OPENED:
                raise ApiError("ResourceAlreadyExistsException", "A support case already exists for this request.")
            case (
                RequestStatus.APPROVED | RequestStatus.DENIED | RequestStatus.NOT_APPROVED | RequestStatus.CASE_CLOSED
            ) as status:
                raise ApiError(
                    "InvalidResourceStateException",
                    f"A support case can be created for a PENDING request only; this request is {status}.",
                )
        return {}

    def _check_service(self, call: ApiCall) -> None:
        if (
            call.params["ServiceCode"] != SERVICE_NAMES["ServiceCode"]
            or call.account_region.region not in sagemaker_regions()
        ):
            raise ApiError(
                "NoSuchResourceException",
                "This service is not available in the current Region. "
                "Choose a different Region or a different service.",
            )

    def _quotas_by_name(self, account_region: AccountRegion) -> list[RegionalQuota]:
        return list(self._ledger.regional_quotas(account_region).values())

    def _find_quota(self, call: ApiCall) -> RegionalQuota:
        self._check_service(call)
        regional = self._ledger.regional_quotas(call.account_region).get(call.params["QuotaCode"])
        if regional is None:
            raise _no_such_quota_error(call)
        return regional

    def _find_request(self, call: ApiCall) -> QuotaRequest:
        request = self._ledger.requests.find_request(call.account_region, call.params["RequestId"])
        if request is None:
            raise ApiError(
                "NoSuchResourceException",
                f"The request failed because the quota request {call.params['RequestId']} does not exist.",
            )
        return request

    def _check_desired_value(self, call: ApiCall, regional: RegionalQuota) -> None:
        desired = call.params["DesiredValue"]
        if not regional.quota.adjustable:
            raise _illegal_argument("The request failed because the specified quota is not adjustable.")
        if desired <= regional.default:
            raise _illegal_argument(
                f"You must provide a quota value greater than the default quota value of {regional.default}"
            )
        applied = self._ledger.applied_value(call.account_region, regional.quota.code)
        if applied is not None and desired <= applied:
            raise _illegal_argument("You must provide a quota value greater than the current quota value")

    def _check_open_requests(self, call: ApiCall, quota: KnownQuota) -> None:
        now = self._state.now()
        account = self._ledger.requests.account_requests(call.account_region.account)
        still_open = [request for request in account if request.status_at(now).is_open]
        here = [request for request in still_open if request.account_region == call.account_region]
        if any(request.quota == quota for request in here):
            raise ApiError(
                "ResourceAlreadyExistsException",
                "Only one open service quota increase request is allowed per quota.",
            )
        if len(here) >= self._scenario.open_per_region:
            raise _too_many_open_error(self._scenario.open_per_region, "Region")
        if len(still_open) >= self._scenario.open_per_account:
            raise _too_many_open_error(self._scenario.open_per_account, "account")

    def _history_response(self, call: ApiCall, requests: Iterable[QuotaRequest]) -> dict[str, Any]:
        now = self._state.now()
        status = call.params.get("Status")
        level = call.params.get("QuotaRequestedAtLevel", "ACCOUNT")
        listed = [
            request for request in requests if status in (None, request.status_at(now)) and level in ("ACCOUNT", "ALL")
        ]
        return quota_page(call, "RequestedQuotas", listed, self._requested_change)

    def _applied_quota(self, account_region: AccountRegion, regional: RegionalQuota) -> dict[str, Any]:
        quota = regional.quota
        return quota_members(quota) | {
            "QuotaArn": quota_arn(account_region, quota),
            "Value": self._ledger.applied_value(account_region, quota.code),
            "QuotaAppliedAtLevel": "ACCOUNT",
        }

    def _requested_change(self, request: QuotaRequest) -> dict[str, Any]:
        now = self._state.now()
        status = request.status_at(now)
        return SERVICE_NAMES | {
            "Id": request.id,
            "CaseId": request.case_id if request.has_case(now) else None,
            "QuotaCode": request.quota.code,
            "QuotaName": request.quota.name,
            "DesiredValue": request.desired,
            "Status": status,
            "Created": request.created,
            "LastUpdated": request.updated_at(now),
            "Requester": json.dumps(
                {
                    "accountId": request.account_region.account,
                    "callerArn": f"arn:aws:iam::{request.account_region.account}:root",
                }
            ),
            "QuotaArn": quota_arn(request.account_region, request.quota),
            "GlobalQuota": False,
            "Unit": "None",
            "QuotaRequestedAtLevel": "ACCOUNT",
        }


def _illegal_argument(message: str) -> ApiError:
    return ApiError("IllegalArgumentException", message)


def _no_such_quota_error(call: ApiCall) -> ApiError:
    return ApiError(
        "NoSuchResourceException",
        f"The request failed because the specified quota {call.params['QuotaCode']} does not exist "
        "for service sagemaker.",
    )


def _too_many_open_error(most: int, where: str) -> ApiError:
    return ApiError(
        "QuotaExceededException",
        f"Only {most} open service quota increase requests are allowed per {where}.",
    )
