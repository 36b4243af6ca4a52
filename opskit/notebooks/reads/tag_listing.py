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
    """The tags of a Region's notebook instances by ARN. One that never had a tag is not in it. None: ListTags has to be
    used, because the tagging API cannot be (it has a permission of its own), or knows no tag of any notebook: that is
    what it says too where it has not indexed them, and a keep tag that is not seen is worse than a slow list.
    """
    try:
        pages = list(
            client.paginate(
                "resourcegroupstaggingapi", "get_resources", ResourceTypeFilters=[_NOTEBOOKS], ResourcesPerPage=_PAGE
            )
        )
        with parse_errors_as_aws(client, "resourcegroupstaggingapi:GetResources"):
            tags = {
                mapping["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}
                for page in pages
                for mapping in page["ResourceTagMappingList"]
            }
    except AwsError:
        return None
    return tags or None
