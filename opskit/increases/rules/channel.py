"""The channels for requesting a quota increase."""

from __future__ import annotations

from enum import StrEnum


class SubmissionType(StrEnum):
    """What a channel sends: a request of Service Quotas, which its history lists; a case of AWS Support, among whose
    cases it is; or nothing, since the user sends it in the console.
    """

    REQUEST = "request"
    CASE = "case"
    NOTHING = "nothing"

    @property
    def is_sent(self) -> bool:
        """Whether opskit sends anything."""
        match self:
            case SubmissionType.REQUEST | SubmissionType.CASE:
                return True
            case SubmissionType.NOTHING:
                return False

    @property
    def is_case(self) -> bool:
        """Whether it is a case of AWS Support."""
        match self:
            case SubmissionType.CASE:
                return True
            case SubmissionType.REQUEST | SubmissionType.NOTHING:
                return False

    @property
    def may_get_case(self) -> bool:
        """Whether AWS Support may be asked to move a request of Service Quotas forward that is stuck."""
        match self:
            case SubmissionType.REQUEST | SubmissionType.CASE:
                return True
            case SubmissionType.NOTHING:
                return False

    @property
    def addressee(self) -> str:
        """Who is asked, for people."""
        match self:
            case SubmissionType.REQUEST | SubmissionType.NOTHING:
                return "AWS"
            case SubmissionType.CASE:
                return "AWS Support"


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
    def falls_back_to_support(self) -> bool:
        """Whether AWS Support is asked where Service Quotas cannot take the request."""
        match self:
            case Channel.AUTO:
                return True
            case Channel.SERVICE_QUOTAS | Channel.SUPPORT | Channel.CONSOLE:
                return False

    @property
    def leaves_console(self) -> bool:
        """Whether the console's form is a way that is left where this one refuses."""
        match self:
            case Channel.AUTO | Channel.SERVICE_QUOTAS | Channel.SUPPORT:
                return True
            case Channel.CONSOLE:
                return False

    @property
    def submission_type(self) -> SubmissionType:
        """What opskit sends to AWS, and so where it is looked for afterwards."""
        match self:
            case Channel.AUTO | Channel.SERVICE_QUOTAS:
                return SubmissionType.REQUEST
            case Channel.SUPPORT:
                return SubmissionType.CASE
            case Channel.CONSOLE:
                return SubmissionType.NOTHING
