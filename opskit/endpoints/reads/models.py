"""What an endpoint is made from: the models that its configuration names, and their data in S3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.errors import is_not_found
from opskit.aws.gather import gather_all
from opskit.aws.s3_objects import object_exists, prefix_exists
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.endpoints.rules.model import JsonObject

_OF_A_PACKAGE = Unknown("a model is of a model package, and where that has its data was not looked at", "not-looked-at")


@dataclass(frozen=True)
class ModelParts:
    """What of an endpoint's models is gone: ``missing`` are the ends of sentences. ``unread`` is why a model could not
    be read, ``data_unread`` why its data could not, which has permissions of its own; None for each: all were.
    """

    missing: tuple[str, ...] = ()
    unread: Unknown | None = None
    data_unread: Unknown | None = None


def read_model_parts(client: AwsClient, config: JsonObject) -> ModelParts:
    """Whether the models of a configuration, and their data, are still there."""
    variants = [*config.get("ProductionVariants", ()), *(config.get("ShadowProductionVariants") or ())]
    names = list(dict.fromkeys(str(variant["ModelName"]) for variant in variants if variant.get("ModelName")))
    try:
        models = gather_all([partial(_read_model, client, name) for name in names])
    except AwsError as failure:
        return ModelParts(unread=unknown_from_error(failure))
    gone = [f"its model {name} was deleted" for name, model in zip(names, models, strict=True) if model is None]
    locations = list(dict.fromkeys(each for model in models if model for each in data_locations(model)))
    found = gather_all([partial(_data_exists, client, uri, is_prefix) for uri, is_prefix in locations])
    absent = [uri for (uri, _), exists in zip(locations, found, strict=True) if exists is False]
    gone += [f"the data of its model are not there any more ({uri})" for uri in absent]
    unread = [exists for exists in found if isinstance(exists, Unknown)]
    packaged = [_OF_A_PACKAGE for model in models if model and any(map(is_packaged, model_containers(model)))]
    return ModelParts(tuple(gone), data_unread=next(iter((*unread, *packaged)), None))


def _read_model(client: AwsClient, name: str) -> JsonObject | None:
    try:
        return client.read("sagemaker", "describe_model", ModelName=name)
    except AwsError as failure:
        if is_not_found(failure):
            return None
        raise


def data_locations(model: JsonObject) -> Iterator[tuple[str, bool]]:
    """The URIs of a model's data, each with whether it is the beginning of several."""
    for container in model_containers(model):
        if uri := container.get("ModelDataUrl"):
            # A multi-model container has a folder of models.
            yield str(uri), container.get("Mode") == "MultiModel"
        further = container.get("AdditionalModelDataSources") or ()
        for named in (container.get("ModelDataSource") or {}, *further):
            source = named.get("S3DataSource") or {}
            if uri := source.get("S3Uri"):
                yield str(uri), source.get("S3DataType") != "S3Object"


def model_containers(model: JsonObject) -> list[JsonObject]:
    """The containers of a model, of which a pipeline has several."""
    return [model.get("PrimaryContainer") or {}, *(model.get("Containers") or ())]


def is_packaged(container: JsonObject) -> bool:
    """Whether a container is of a model package, which alone tells its data."""
    return bool(container.get("ModelPackageName"))


def _data_exists(client: AwsClient, uri: str, is_prefix: bool) -> bool | Unknown:
    try:
        with parse_errors_as_aws(client, "s3:HeadObject"):
            return prefix_exists(client, uri) if is_prefix else object_exists(client, uri)
    except AwsError as failure:
        return unknown_from_error(failure)
