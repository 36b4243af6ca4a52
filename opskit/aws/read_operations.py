"""Which operations only read: all that the reader accepts, and that anybody may send through a client of opskit's."""

from __future__ import annotations

READ_VERBS = (
    "get_",
    "list_",
    "describe_",
    "lookup_",
    "query",
    "scan",
    "search",
    "head_",
    "filter_",
    "simulate_",
    "download_",
    "invoke_endpoint",
    "create_presigned_",  # a URL to read with; it changes nothing
    "start_quota_utilization_report",  # what it starts can only be read, and AWS deletes it after 15 minutes
)


def is_read(operation: str) -> bool:
    """Whether an operation (as boto3 names it) only reads: it begins with a verb that ends in ``_``, or is one that is
    listed whole. ``invoke_endpoint_async`` starts work, so a common beginning is not enough.
    """
    return any(operation.startswith(verb) if verb.endswith("_") else operation == verb for verb in READ_VERBS)
