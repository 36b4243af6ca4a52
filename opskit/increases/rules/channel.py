"""The ways to ask for a quota increase."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """The way to ask. ``auto`` is Service Quotas, its queue where AWS takes no more requests at once, and AWS Support
    for what Service Quotas cannot take.
    """

    AUTO = "auto"
    SERVICE_QUOTAS = "service-quotas"
    SUPPORT = "support"
    CONSOLE = "console"

    @property
    def first_tried(self) -> Channel:
        """The one way that is gone first."""
        match self:
            case Channel.AUTO:
                return Channel.SERVICE_QUOTAS
            case Channel.SERVICE_QUOTAS | Channel.SUPPORT | Channel.CONSOLE:
                return self

    @property
    def falls_back(self) -> bool:
        """Whether AWS Support is asked for what Service Quotas cannot take."""
        match self:
            case Channel.AUTO:
                return True
            case Channel.SERVICE_QUOTAS | Channel.SUPPORT | Channel.CONSOLE:
                return False

    @property
    def opens_case(self) -> bool:
        """Whether it is a case of AWS Support's own, and no request of Service Quotas."""
        match self:
            case Channel.SUPPORT:
                return True
            case Channel.AUTO | Channel.SERVICE_QUOTAS | Channel.CONSOLE:
                return False

    @property
    def sends(self) -> bool:
        """Whether opskit asks AWS itself, and not the user in the console."""
        match self:
            case Channel.AUTO | Channel.SERVICE_QUOTAS | Channel.SUPPORT:
                return True
            case Channel.CONSOLE:
                return False
