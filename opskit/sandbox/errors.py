"""AWS's own refusals, as values that any operation of the sandbox can raise."""

from __future__ import annotations


class ApiError(Exception):
    """An error answer of an AWS API: its code, its message and the HTTP status it travels with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


# AWS cuts every FailureReason at this length.
_MAX_REASON_LENGTH = 1024


def truncate_reason(reason: str | None) -> str | None:
    """A FailureReason as long as AWS lets it be; None where there is none."""
    return reason[:_MAX_REASON_LENGTH] if reason else None


def validation_error(message: str) -> ApiError:
    """The ValidationException most SageMaker operations answer bad input with."""
    return ApiError("ValidationException", message)


class FallThrough(Exception):
    """Raised by an operation that a service owns for some resources alone: this one is moto's to answer."""
