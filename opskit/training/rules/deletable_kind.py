"""The kinds of resources that a cleanup deletes."""

from __future__ import annotations

from enum import StrEnum


class DeletableKind(StrEnum):
    """What a cleanup deletes, in boto3's words."""

    ENDPOINT = "endpoint"
    CONFIG = "endpoint_config"
    MODEL = "model"

    @property
    def label(self) -> str:
        """As people say it."""
        return self.value.replace("_", " ")
