"""The AWS CLI commands that end resources, ready to paste."""

from __future__ import annotations

import shlex


def aws_sagemaker_command(operation: str, region: str, **values: str) -> str:
    """An ``aws sagemaker`` command with its flags, named with underscores, quoted for a shell: the names come from
    outside.
    """
    flags = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]
    return shlex.join(["aws", "sagemaker", operation, *flags, "--region", region])


def opskit_command(*words: str, region: str) -> str:
    """An ``opskit`` command in a Region."""
    return shlex.join(["opskit", *words, "--region", region])
