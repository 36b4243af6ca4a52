"""Whether files of Terraform's, CDK's and CloudFormation's have resources of SageMaker's. What cannot be read may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

# As deep as sources of an app of CDK's usually are; its dependencies are not its own.
_DEPTHS = ("*", "*/*", "*/*/*")
_NOT_OWN = {"node_modules", ".venv", "venv", "site-packages", "dist", ".git"}
_CDK_SUFFIXES = {".py", ".ts", ".js", ".mjs", ".java", ".cs", ".go"}
_MAX_BYTES = 5_000_000


def names_sagemaker(folder: Path) -> bool:
    """Whether a folder's Terraform files, or those of its modules, have resources of SageMaker's."""
    try:
        files = [file for pattern in ("*.tf", "*.tf.json", "*/*.tf", "*/*/*.tf") for file in folder.glob(pattern)]
        return _any_has(files, "_sagemaker_")
    except OSError:
        return True


def cdk_names_sagemaker(folder: Path) -> bool:
    """Whether an app of CDK's has resources of SageMaker's: in its sources, or in what it made last."""
    try:
        templates = [*folder.glob("cdk.out/*.template.json"), *folder.glob("cdk.out/*/*.template.json")]
        return _any_has(templates, "aws::sagemaker::") or _any_has(_cdk_sources(folder), "sagemaker")
    except OSError:
        return True


def _cdk_sources(folder: Path) -> Iterator[Path]:
    for pattern in _DEPTHS:
        for file in folder.glob(pattern):
            parts = set(file.relative_to(folder).parts)
            if file.suffix in _CDK_SUFFIXES and not parts & _NOT_OWN and "cdk.out" not in parts:
                yield file


def template_names_sagemaker(path: Path) -> bool:
    """Whether a template has resources of SageMaker's, or a macro that may make some."""
    try:
        return _any_has([path], "aws::sagemaker::")
    except OSError:
        return True


def _any_has(files: Iterable[Path], text: str) -> bool:
    """Whether a file has a text, in whatever case.

    Raises:
        OSError: one cannot be read.
    """
    return any(text in _begin_of(file) for file in files if file.is_file() or not file.exists())


def _begin_of(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(_MAX_BYTES).decode("utf-8", "replace").lower()
