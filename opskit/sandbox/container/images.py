"""Which container images the sandbox can stand in for: AWS's built-in XGBoost, and no other.

The accounts are AWS's published registries of the algorithm, one a Region.
"""

from __future__ import annotations

import re

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+?)(:(?P<tag>[\w.-]+))?(@sha256:[0-9a-f]{64})?"
)
# The repository of the first image, which held xgboost 0.72.
_FIRST_REPOSITORY = "xgboost"

_CURRENT_REPOSITORY = "sagemaker-xgboost"

_ACCOUNTS = {
    _CURRENT_REPOSITORY: {
        "af-south-1": "510948584623",
        "ap-east-1": "651117190479",
        "ap-northeast-1": "354813040037",
        "ap-northeast-2": "366743142698",
        "ap-northeast-3": "867004704886",
        "ap-south-1": "720646828776",
        "ap-south-2": "628508329040",
        "ap-southeast-1": "121021644041",
        "ap-southeast-2": "783357654285",
        "ap-southeast-3": "951798379941",
        "ap-southeast-4": "106583098589",
        "ca-central-1": "341280168497",
        "ca-west-1": "190319476487",
        "cn-north-1": "450853457545",
        "cn-northwest-1": "451049120500",
        "eu-central-1": "492215442770",
        "eu-central-2": "680994064768",
        "eu-north-1": "662702820516",
        "eu-south-1": "978288397137",
        "eu-south-2": "104374241257",
        "eu-west-1": "141502667606",
        "eu-west-2": "764974769150",
        "eu-west-3": "659782779980",
        "il-central-1": "898809789911",
        "me-central-1": "272398656194",
        "me-south-1": "801668240914",
        "sa-east-1": "737474898029",
        "us-east-1": "683313688378",
        "us-east-2": "257758044811",
        "us-gov-east-1": "237065988967",
        "us-gov-west-1": "414596584902",
        "us-west-1": "746614075791",
        "us-west-2": "246618743249",
    },
    _FIRST_REPOSITORY: {
        "af-south-1": "455444449433",
        "ap-east-1": "286214385809",
        "ap-northeast-1": "501404015308",
        "ap-northeast-2": "306986355934",
        "ap-northeast-3": "867004704886",
        "ap-south-1": "991648021394",
        "ap-south-2": "628508329040",
        "ap-southeast-1": "475088953585",
        "ap-southeast-2": "544295431143",
        "ap-southeast-3": "951798379941",
        "ap-southeast-4": "106583098589",
        "ca-central-1": "469771592824",
        "cn-north-1": "390948362332",
        "cn-northwest-1": "387376663083",
        "eu-central-1": "813361260812",
        "eu-central-2": "680994064768",
        "eu-north-1": "669576153137",
        "eu-south-1": "257386234256",
        "eu-south-2": "104374241257",
        "eu-west-1": "685385470294",
        "eu-west-2": "644912444149",
        "eu-west-3": "749696950732",
        "me-central-1": "272398656194",
        "me-south-1": "249704162688",
        "sa-east-1": "855470959533",
        "us-east-1": "811284229777",
        "us-east-2": "825641698319",
        "us-gov-east-1": "237065988967",
        "us-gov-west-1": "226302683700",
        "us-west-1": "632365934929",
        "us-west-2": "433757028032",
    },
}


class UnknownImage(ValueError):
    """An image the sandbox cannot stand in for; the text is for the user."""


def check_image(image: str | None, region: str) -> None:
    """Raise where the sandbox cannot stand in for an image.

    Raises:
        UnknownImage: it is not the built-in XGBoost of this Region.
    """
    match = _IMAGE.fullmatch(image or "")
    if match is None or match["repository"] not in _ACCOUNTS:
        raise UnknownImage(_unknown_image_text(image, region))
    account = _ACCOUNTS[match["repository"]].get(region)
    if account is not None and (match["account"], match["region"]) != (account, region):
        raise UnknownImage(_unknown_image_text(image, region))


def is_first_image(image: str) -> bool:
    """Whether it is the algorithm's first image, which knew other hyperparameters."""
    match = _IMAGE.fullmatch(image)
    return match is not None and match["repository"] == _FIRST_REPOSITORY


def xgboost_image_uri(region: str) -> str:
    """The URI of an image of the built-in XGBoost that a Region has."""
    account = _ACCOUNTS[_CURRENT_REPOSITORY].get(region, _ACCOUNTS[_CURRENT_REPOSITORY]["us-east-1"])
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{domain}/{_CURRENT_REPOSITORY}:1.7-1"


def _unknown_image_text(image: str | None, region: str) -> str:
    return (
        f"The sandbox has one image alone, the built-in XGBoost of the job's Region ({xgboost_image_uri(region)}); "
        f"it cannot run {image or 'an algorithm without a TrainingImage'}."
    )
