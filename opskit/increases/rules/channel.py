"""The channels for requesting a quota increase."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """How to request. ``auto`` is Service Quotas, opskit's queue if AWS accepts no more open requests, and AWS Support
    for what Service Quotas cannot take.
    """

    AUTO = "auto"
    SERVICE_QUOTAS = "service-quotas"
    SUPPORT = "support"
    CONSOLE = "console"

    @property
    def first_tried(self) -> Channel:
        """The channel that is tried first."""
        match self:
            case Channel.AUTO:
                return Channel.SERVICE_QUOTAS
            case Channel.SERVICE_QUOTAS | Channel.SUPPORT | Channel.CONSOLE:
                return self

    @property
    def falls_back(self) -> bool:
        """Whether AWS Support is asked where Service Quotas cannot take the request."""
        match self:
            case Channel.AUTO:
                return True
            case Channel.SERVICE_QUOTAS | Channel.SUPPORT | Channel.CONSOLE:
                return False

    @property
    def opens_case(self) -> bool:
        """Whether it opens an AWS Support case instead of a Service Quotas request."""
        match self:
            case Channel.SUPPORT:
                return True
            case Channel.AUTO | Channel.SERVICE_QUOTAS | Channel.CONSOLE:
                return False

    @property
    def sends(self) -> bool:
        """Whether opskit sends the request itself, rather than the user in the console."""
        match self:
            case Channel.AUTO | Channel.SERVICE_QUOTAS | Channel.SUPPORT:
                return True
            case Channel.CONSOLE:
                return False
