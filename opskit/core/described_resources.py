"""Jobs and endpoints as AWS describes them."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.aws_statuses import EndpointStatus, EndpointTraits
from opskit.core.job_statuses import JobStatus


@dataclass(frozen=True)
class TrainingJob:
    """A training job as AWS describes it.

    ``secondary_status`` is AWS's finer status (Downloading, Training …). ``failure`` None: AWS gave no reason;
    ``model_uri`` None: there is no model yet; ``billable_seconds`` None: not reported yet; ``output_uri`` None: AWS
    does not name it; ``selected_type``: the type that AWS took from a list of preferences; None: there was no list.
    """

    name: str
    status: JobStatus
    secondary_status: str
    failure: str | None
    model_uri: str | None
    billable_seconds: int | None
    output_uri: str | None = None
    selected_type: str | None = None


@dataclass(frozen=True)
class TransformJob:
    """A batch transform job as AWS describes it. ``failure`` None: AWS gave no reason."""

    name: str
    status: JobStatus
    failure: str | None
    input_uri: str
    output_uri: str

    @property
    def predictions_uri(self) -> str:
        """Where SageMaker writes the predictions: the name of the input with ``.out`` appended."""
        return f"{self.output_uri.rstrip('/')}/{self.input_uri.rpartition('/')[2]}.out"


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as AWS describes it. ``status`` is SageMaker's word, for people; decisions use ``state`` and
    ``traits``. ``failure`` None: AWS gave no reason; ``config`` is the name of its endpoint configuration.
    """

    name: str
    status: str
    failure: str | None = None
    config: str = ""

    @property
    def state(self) -> EndpointStatus:
        """The status as an enumeration."""
        return EndpointStatus(self.status)

    @property
    def traits(self) -> EndpointTraits:
        """What the status means."""
        return self.state.traits
