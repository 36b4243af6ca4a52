"""Warm pools: the instances that a training job asked to keep for the next job like it (KeepAlivePeriodInSeconds)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from opskit.sandbox.errors import validation_error

# A job takes over a pool that was made for one alike in all of these, so AWS's documentation.
_MATCHED = ("RoleArn", "VpcConfig", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")
_MATCHED_RESOURCES = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")


class WarmPoolState(StrEnum):
    """What has become of a pool."""

    IN_USE = "InUse"
    AVAILABLE = "Available"
    REUSED = "Reused"
    TERMINATED = "Terminated"

    @property
    def is_held(self) -> bool:
        """Whether its instances are there, for its own job or the next."""
        match self:
            case WarmPoolState.IN_USE | WarmPoolState.AVAILABLE:
                return True
            case WarmPoolState.REUSED | WarmPoolState.TERMINATED:
                return False

    @property
    def waits_for_job(self) -> bool:
        """Whether its instances wait for the next job."""
        match self:
            case WarmPoolState.AVAILABLE:
                return True
            case WarmPoolState.IN_USE | WarmPoolState.REUSED | WarmPoolState.TERMINATED:
                return False


@dataclass
class WarmPool:
    """The pool of one job: for how long its instances are kept after the job, and what ended that. ``reused_by`` is the
    job that took it over; None: none has.
    """

    keep_alive_seconds: int
    released: datetime | None = None
    """When its job was over and left it behind; None while the job runs."""
    closed: datetime | None = None
    """When somebody ended it, a job took it over, or its job failed; None: none of these has happened."""
    reused_by: str | None = None

    def state_at(self, now: datetime) -> WarmPoolState:
        if self.released is None or now < self.released:
            return WarmPoolState.IN_USE
        if self.closed is not None and self.closed <= now:
            return WarmPoolState.TERMINATED if self.reused_by is None else WarmPoolState.REUSED
        return WarmPoolState.AVAILABLE if now < self._latest_end() else WarmPoolState.TERMINATED

    def release(self, now: datetime, *, is_kept: bool) -> None:
        """Its job is over. After a failure nothing is kept."""
        self.released = now
        self.closed = None if is_kept else now

    def take_over(self, job: str, now: datetime) -> None:
        """Let another job have the instances."""
        self.reused_by, self.closed = job, now

    def give_back(self) -> None:
        """Take back what was given to a job that did not come to be."""
        self.reused_by = self.closed = None

    def keep_alive(self, seconds: int, now: datetime) -> None:
        """Keep the instances for so long after their job; 0 ends a pool that waits."""
        self.keep_alive_seconds = seconds
        if self.released and not seconds:
            self.closed = now

    def describe(self, now: datetime) -> dict[str, Any]:
        """WarmPoolStatus in AWS's shape."""
        status: dict[str, Any] = {"Status": self.state_at(now), "ReusedByJob": self.reused_by}
        if self.released:
            end = min(now, self.closed or now, self._latest_end())
            status["ResourceRetainedBillableTimeInSeconds"] = max(0, int((end - self.released).total_seconds()))
        return status

    def _latest_end(self) -> datetime:
        assert self.released is not None
        return self.released + timedelta(seconds=self.keep_alive_seconds)


def warm_pool_for(params: Mapping[str, Any]) -> WarmPool | None:
    """The pool that a training job's request asks for. Raises ValidationException where it may have none."""
    resources = params["ResourceConfig"]
    seconds = resources.get("KeepAlivePeriodInSeconds", 0)
    if not seconds:
        return None
    if params.get("EnableManagedSpotTraining"):
        raise validation_error("KeepAlivePeriodInSeconds is not supported for managed spot training jobs.")
    if resources.get("InstanceGroups"):
        raise validation_error("KeepAlivePeriodInSeconds is not supported with InstanceGroups.")
    return WarmPool(seconds)


def fits_pool(params: Mapping[str, Any], kept_for: Mapping[str, Any]) -> bool:
    """Whether a job may take over the pool of a job with these other parameters."""
    if params.get("EnableManagedSpotTraining"):
        return False
    resources, kept = params["ResourceConfig"], kept_for["ResourceConfig"]
    return all((params.get(name) or None) == (kept_for.get(name) or None) for name in _MATCHED) and all(
        resources.get(name) == kept.get(name) for name in _MATCHED_RESOURCES
    )
