"""What a process that forks others loads before it does (``tests/prefork.py``)."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_LOADED_BY_EACH = {
    "opskit.__main__",
    "opskit.cli.completion",
    "opskit.sandbox",
    "opskit.sandbox.container",
    "opskit.sandbox.notebooks.jupyter",
    "opskit.sandbox_cli",
    "opskit.training.metrics",
    "opskit.training.sagemaker_sdk",
}
_SERVICES = (
    *("sts", "service-quotas", "sagemaker", "sagemaker-runtime", "s3", "iam", "cloudwatch", "logs", "pricing", "ec2"),
    *(
        "application-autoscaling",
        "cloudtrail",
        "dynamodb",
        "organizations",
        "resourcegroupstaggingapi",
        "sns",
        "support",
    ),
)
"""Those that a command asks, and the sandbox behind it."""


def load_modules(modules: Sequence[str]) -> None:
    """Load modules, of opskit what is below them too; and, where boto3 is one, what botocore would make anew in each
    child.
    """
    if "boto3" in modules:
        load_models()
    for each in modules:
        for module in parts_of_opskit(each) if each.startswith("opskit") else (each,):
            import_module(module)
    if "sagemaker.core.resources" in modules:
        trust_schemas()
    gc.freeze()  # what never goes needs no look, which would copy it into each child


def load_models() -> None:
    """Let botocore read its files, and each session of a child find what was made of them."""
    from botocore.session import Session

    from tests.botocore_sharing import share_botocore

    share_botocore(setattr)
    session = Session()
    for service in _SERVICES:
        session.create_client(service, "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


def trust_schemas() -> None:
    """Let the SageMaker SDK hold its settings against its schema without checking that schema first, which takes a
    tenth of a second for each job or model that is made.
    """
    from jsonschema import validators
    from sagemaker.core.config import config_manager

    schema = config_manager.SAGEMAKER_PYTHON_SDK_CONFIG_SCHEMA
    config_manager.SageMakerConfig.validate_sagemaker_config = validators.validator_for(schema)(schema).validate


def parts_of_opskit(package: str) -> Iterator[str]:
    """The modules of opskit that commands have in common, those of the sandbox itself, or a single one. Those with a
    library of their own that takes long to load are loaded by who needs them, or run in processes of their own.
    """
    folder = _ROOT / package.replace(".", "/")
    for file in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]:
        module = ".".join(file.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not any(f"{module}.".startswith(f"{each}.") for each in _LOADED_BY_EACH - {package}) and not (
            set(module.split(".")[2:]) & {"cli", "__main__"}
        ):
            yield module
