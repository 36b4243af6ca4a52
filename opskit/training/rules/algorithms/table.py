"""The one table of algorithms: a new one is a folder beside `xgboost/` and a row here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from opskit.core.exceptions import UsageError
from opskit.training.rules.algorithms.algorithm import Algorithm
from opskit.training.rules.algorithms.xgboost.algorithm import XGBOOST
from opskit.training.rules.model import Workflow

ALGORITHMS: Mapping[str, Algorithm] = {XGBOOST.name: XGBOOST}

# Frameworks that people know from SageMaker and that train a script of the user's own.
_SCRIPT_FRAMEWORKS = frozenset({"huggingface", "mxnet", "pytorch", "scikit-learn", "sklearn", "tensorflow"})


def find_algorithm(framework: str) -> Algorithm:
    """The algorithm that a workflow's ``image.framework`` names.

    Raises:
        UsageError: opskit trains with no such algorithm.
    """
    if framework in ALGORITHMS:
        return ALGORITHMS[framework]
    known = ", ".join(ALGORITHMS)
    if framework.lower() in _SCRIPT_FRAMEWORKS:
        text = f"opskit does not train with '{framework}', which runs a script of your own. It trains with: {known}."
        hint = "`opskit guard --training TYPE=N -- python train.py` checks the quotas before a script of your own."
    else:
        text = f"opskit does not train with '{framework}'. It trains with: {known}."
        close = difflib.get_close_matches(framework.lower(), ALGORITHMS, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"Set image.framework to one of: {known}."
    raise UsageError("framework-unsupported", text, hint)


def algorithm_of(workflow: Workflow) -> Algorithm:
    """A loaded workflow's algorithm."""
    return find_algorithm(workflow.framework)
