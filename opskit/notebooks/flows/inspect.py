"""Look at notebooks: list, tags, Jupyter itself or its log, price; and a verdict over each. Choose by name, tag and
owner those that a command is to change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.prices import read_workload_price
from opskit.aws.resource_tags import TagsByArn, list_kind_tags_or_none, read_arn_tags
from opskit.core.exceptions import AccessDenied, AwsError, Problem, UsageError
from opskit.core.grace import Patience
from opskit.core.model import JupyterState, Notebook, NotebookVerdict, Price, Unknown, Workload
from opskit.core.result_or_error import unknown_from_error
from opskit.core.tags import keep_reason
from opskit.notebooks.connection_budget import MAX_WORKERS, ConnectionBudget
from opskit.notebooks.reads.jupyter import inspect_jupyter
from opskit.notebooks.reads.jupyter_log import read_last_line_time
from opskit.notebooks.reads.notebooks import list_notebooks, read_presigned_url
from opskit.notebooks.rules.enums import EvidenceSource
from opskit.notebooks.rules.evidence import JupyterActivity, LogActivity, NotebookActivity, NotebookEvidence
from opskit.notebooks.rules.idleness import IdleAssessment, IdlePolicy, is_conclusive
from opskit.notebooks.rules.inside_verdict import assess_with_inside
from opskit.notebooks.rules.notebook_filter import EVERY_NOTEBOOK, NotebookFilter
from opskit.notebooks.rules.own_traces import PastInspection, without_own_traces
from opskit.notebooks.store import load_past_inspections, remember_names

# Regions, and prices, asked for at once: with the connections that found the Regions, as many as may be open.
_MAX_WORKERS = 14
# So many are asked for their tags one by one, which is fresh, and within ListTags' rate.
_FEW_NOTEBOOKS = 5

_NOTEBOOKS = "sagemaker:notebook-instance"


@dataclass(frozen=True)
class InspectedNotebook:
    """One notebook, looked at. ``patience`` is after how long this one is idle. ``trail_owner`` is whose it is by
    CloudTrail; None: not known.
    """

    client: AwsClient
    evidence: NotebookEvidence
    assessment: IdleAssessment
    price: Price | Unknown
    patience: Patience
    trail_owner: str | None = None

    @property
    def notebook(self) -> Notebook:
        """The notebook as AWS lists it."""
        return self.evidence.notebook

    @property
    def usd_per_hour(self) -> Decimal | None:
        """What it costs while it runs; None: nobody knows."""
        return self.price.usd_per_hour if isinstance(self.price, Price) else None


@dataclass(frozen=True)
class Inspection:
    """A look at all notebooks of ``regions``, or with ``is_narrow`` at those that were chosen. ``problems`` are those
    of Regions that could not be listed, ``all_regions_failed`` says that these were all. ``owners_gap`` is why
    CloudTrail could not be asked for all owners; None: it was, as far as anybody wanted that.
    """

    notebooks: tuple[InspectedNotebook, ...]
    problems: tuple[Problem, ...] = ()
    all_regions_failed: bool = False
    owners_gap: Unknown | None = None
    regions: tuple[str, ...] = ()
    is_narrow: bool = False


def inspect_all(
    clients: Sequence[AwsClient], policy: IdlePolicy, now: datetime, meant: NotebookFilter = EVERY_NOTEBOOK
) -> Inspection:
    """Look at every notebook that is meant. What cannot be read is in the result, not raised: a Region that does not
    answer is a problem and hides no other, a notebook that cannot be read is unknown.
    """
    listed = gather_all([partial(_list_region_notebooks, client) for client in clients], max_workers=_MAX_WORKERS)
    problems = tuple(part for part in listed if isinstance(part, Problem))
    found = [
        (client, notebook)
        for client, part in zip(clients, listed, strict=True)
        if not isinstance(part, Problem)
        for notebook in part
        if meant.matches_name(notebook)
    ]
    close_idle(clients)
    prices = _read_prices({(client.region, notebook.instance_type): client for client, notebook in found})
    close_idle(clients)
    listed_tags = _list_tags([each for each in found if _needs_tags(each[1], meant)])
    close_idle(clients)
    budget = ConnectionBudget(client for client, _ in found)
    told = [prices[client.region, notebook.instance_type] for client, notebook in found]
    policies = [policy.for_price(price.usd_per_hour if isinstance(price, Price) else None) for price in told]
    assessed = gather_all(
        [
            partial(inspect_notebook, client, notebook, own, now, budget, meant, listed_tags.get(client.region))
            for (client, notebook), own in zip(found, policies, strict=True)
        ],
        max_workers=MAX_WORKERS,
    )
    seen = [
        InspectedNotebook(client, evidence, judgement, price, own.patience)
        for (client, _), (evidence, judgement), price, own in zip(found, assessed, told, policies, strict=True)
        if meant.matches_tags(evidence.tags, client.owner_keys)
    ]
    return Inspection(
        tuple(seen),
        problems,
        all_regions_failed=0 < len(clients) == len(problems),
        regions=tuple(client.region for client in clients),
        is_narrow=meant.is_narrow,
    )


def inspect_notebook(
    client: AwsClient,
    notebook: Notebook,
    policy: IdlePolicy,
    now: datetime,
    budget: ConnectionBudget,
    meant: NotebookFilter = EVERY_NOTEBOOK,
    listed_tags: TagsByArn | None = None,
) -> tuple[NotebookEvidence, IdleAssessment]:
    """Everything about one notebook, and the verdict. What decides early spares the later questions. ``listed_tags``
    None: its tags are read on their own. What cannot be read makes the verdict unknown, with the reason.
    """
    evidence = NotebookEvidence(notebook, tags=None, activity=None, inside=None)
    if _needs_tags(notebook, meant):
        if listed_tags is not None:
            evidence = replace(evidence, tags=dict(listed_tags.tags_of(notebook.arn)))
        else:
            with budget.aws_slot(client):
                evidence = replace(evidence, tags=read_arn_tags(client, notebook.arn))
    told = evidence.tags
    # One whose tags are unreadable or keep it is not entered: no answer of its Jupyter could change the verdict.
    is_open = notebook.traits.may_run_jupyter and not isinstance(told, Unknown) and keep_reason(told or {}, now) is None
    if is_open and meant.matches_tags(evidence.tags, client.owner_keys):
        evidence = replace(evidence, activity=_read_activity(client, notebook, policy, now, budget))
    return evidence, assess_with_inside(evidence, policy, now)


def _needs_tags(notebook: Notebook, meant: NotebookFilter) -> bool:
    return notebook.traits.may_run_jupyter or (
        (meant.has_tag_choice or meant.shows_tags) and not notebook.traits.is_going
    )


def _list_tags(found: Sequence[tuple[AwsClient, Notebook]]) -> dict[str, TagsByArn | None]:
    """The tags of each Region in which those of many notebooks are needed; None where they cannot be listed."""
    counts = Counter(client.region for client, _ in found)
    clients = {client.region: client for client, _ in found if counts[client.region] > _FEW_NOTEBOOKS}
    listed = gather_all(
        [partial(list_kind_tags_or_none, client, _NOTEBOOKS) for client in clients.values()], max_workers=_MAX_WORKERS
    )
    return dict(zip(clients, listed, strict=True))


def close_idle(clients: Sequence[AwsClient]) -> None:
    """End the connections that the last stage left: the next one counts its own."""
    for client in clients:
        client.session.close_idle_connections()


def has_unreadable_evidence(seen: InspectedNotebook) -> bool:
    """Whether a verdict is unknown because something could not be read, and nobody said that this is all right."""
    return seen.assessment.verdict is NotebookVerdict.UNKNOWN and not (
        seen.assessment.readable or seen.assessment.unreadable_ok
    )


def presigned_url_unknown(failure: AwsError) -> Unknown:
    """Why there is no key to a Jupyter, and where the caller may have none, what else there is."""
    if not isinstance(failure, AccessDenied):
        return unknown_from_error(failure)
    reason = f"{failure.problem.message.rstrip('.')}; --evidence logs looks at its log instead"
    return Unknown(reason, failure.problem.code, failure.problem.hint)


def _list_region_notebooks(client: AwsClient) -> list[Notebook] | Problem:
    try:
        listed = list(list_notebooks(client))
        remember_names(client, listed)
        return listed
    except AwsError as failure:
        return failure.problem


def _read_activity(
    client: AwsClient, notebook: Notebook, policy: IdlePolicy, now: datetime, budget: ConnectionBudget
) -> NotebookActivity:
    match policy.evidence:
        case EvidenceSource.JUPYTER:
            return JupyterActivity(_read_jupyter(client, notebook, policy, now, budget))
        case EvidenceSource.LOGS:
            with budget.aws_slot(client):
                return LogActivity(read_last_line_time(client, notebook.name))


def _read_jupyter(
    client: AwsClient, notebook: Notebook, policy: IdlePolicy, now: datetime, budget: ConnectionBudget
) -> JupyterState | Unknown:
    past = load_past_inspections_or_none(client, notebook)

    def make_url() -> str:
        with budget.aws_slot(client):
            return read_presigned_url(client, notebook.name)

    try:
        state = inspect_jupyter(
            make_url,
            lambda state: is_conclusive(without_own_traces(state, past), policy, now),
            budget.jupyter_slots,
        )
    except AwsError as failure:
        return presigned_url_unknown(failure)
    return state if isinstance(state, Unknown) else without_own_traces(state, past)


def load_past_inspections_or_none(client: AwsClient, notebook: Notebook) -> tuple[PastInspection, ...]:
    """The inspections that opskit remembers. Where it cannot, what they moved is taken for somebody's work."""
    try:
        return load_past_inspections(client, notebook)
    except UsageError:
        return ()


def _read_prices(wanted: dict[tuple[str, str], AwsClient]) -> dict[tuple[str, str], Price | Unknown]:
    """The price of each type in each Region, asked once."""
    asks = [partial(read_workload_price, client, key[1], Workload.NOTEBOOK) for key, client in wanted.items()]
    return dict(zip(wanted, gather_all(asks, max_workers=_MAX_WORKERS), strict=True))


def select_names(client: AwsClient, meant: NotebookFilter) -> list[str]:
    """The notebooks that are meant, by name. Those that were named and nothing else are taken as they are.

    Raises:
        UsageError: none is.
        AwsError: the listing, or the tags of one that its name would choose, could not be read.
    """
    if not meant.is_narrow:
        return list(meant.names)
    listed = list(list_notebooks(client))
    remember_names(client, listed)
    found = [each for each in listed if meant.matches_name(each) and not each.traits.is_going]
    if meant.has_tag_choice:
        found = [
            each
            for each, tags in zip(found, _read_all_tags(client, found), strict=True)
            if meant.matches_tags(tags, client.owner_keys)
        ]
    if not found:
        text = f"No notebook instance in {client.region} is chosen by that."
        raise UsageError("no-notebook", text, "`opskit notebook list` shows them; --region looks elsewhere.")
    return [each.name for each in found]


def _read_all_tags(client: AwsClient, found: list[Notebook]) -> list[Mapping[str, str]]:
    """The tags of each."""
    # Fresh, not from the index of the tagging API: what they choose is changed.
    read = gather_all([partial(read_arn_tags, client, each.arn) for each in found])
    unread = [(each, tags) for each, tags in zip(found, read, strict=True) if isinstance(tags, Unknown)]
    if unread:
        notebook, why = unread[0]
        text = f"The tags of {len(unread)} notebooks could not be read, the first is {notebook.name}: {why.reason}"
        raise AwsError("tags-unreadable", text, "Name the notebooks instead.", region=client.region)
    return [tags for tags in read if not isinstance(tags, Unknown)]
