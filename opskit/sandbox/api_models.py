"""AWS's published description of its APIs, as botocore ships it, read without the user's profiles and AWS files."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel

# Name in the configuration, environment variable, default, conversion: no variable is read, and both files are empty.
_SESSION_VARIABLES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def own_session() -> botocore.session.Session:
    """A session that no AWS_PROFILE makes fail (botocore refuses a profile it cannot find, whatever is asked). All
    share what was loaded of the API models: each set of them takes 20 MB and a second of work.
    """
    session = botocore.session.Session(session_vars=_SESSION_VARIABLES)
    session.register_component("data_loader", _shared_loader())
    return session


@cache
def _shared_loader() -> Any:
    return botocore.session.Session(session_vars=_SESSION_VARIABLES).get_component("data_loader")


@cache
def service_model(service: str) -> ServiceModel:
    """The botocore model of a service by its boto3 name (``sagemaker``, ``service-quotas`` …)."""
    return own_session().get_service_model(service)


def input_shape(service: str, operation: str) -> Any:
    """The shape of an operation's request, None where it has no members."""
    return service_model(service).operation_model(operation).input_shape


def output_shape(service: str, operation: str) -> Any:
    """The shape of an operation's answer, None where it has no members."""
    return service_model(service).operation_model(operation).output_shape


@cache
def sagemaker_regions() -> frozenset[str]:
    """The Regions that have SageMaker."""
    return frozenset(own_session().get_available_regions("sagemaker"))


@cache
def all_regions() -> frozenset[str]:
    """The Regions of every partition: AWS has no host for any other."""
    session = own_session()
    partitions = session.get_available_partitions()
    return frozenset(name for each in partitions for name in session.get_available_regions("ec2", each))
