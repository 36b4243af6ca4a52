"""Tags of all notebook instances of a Region, a hundred a call, from the resource groups tagging API.

ListTags answers for one notebook, at a rate of a few calls a second, so that a list of hundreds would take minutes. The
tagging API is an index, though, which may lag: what acts on a tag reads it again by ListTags (``notebooks.read_tags``).
"""

from __future__ import annotations

from collections.abc import Mapping

from opskit.aws.client import AwsClient
from opskit.aws.unusable_responses import parse_errors_as_aws
from opskit.core.exceptions import AwsError

_NOTEBOOKS = "sagemaker:notebook-instance"
_PAGE = 100


def list_notebook_tags(client: AwsClient) -> Mapping[str, Mapping[str, str]] | None:
    """The tags of a Region's notebook instances by ARN. One that never had a tag is not in it. None: the tagging API
    cannot be used (it has a permission of its own), and ListTags has to be.
    """
    try:
        pages = list(
            client.paginate(
                "resourcegroupstaggingapi", "get_resources", ResourceTypeFilters=[_NOTEBOOKS], ResourcesPerPage=_PAGE
            )
        )
        with parse_errors_as_aws(client, "resourcegroupstaggingapi:GetResources"):
            return {
                mapping["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}
                for page in pages
                for mapping in page["ResourceTagMappingList"]
            }
    except AwsError:
        return None
