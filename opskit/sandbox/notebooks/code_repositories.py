"""Git repositories by a name of the account's, which notebook instances clone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import validation_error
from opskit.sandbox.list_responses import ListedResource, list_response
from opskit.sandbox.notebooks.git_clone import GitRepository
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState
from opskit.sandbox.tags import TagService, request_tags


@dataclass
class _CodeRepository:
    """One CodeRepository. Change it under the lock of its account and Region."""

    name: str
    arn: str
    config: dict[str, Any]
    created: datetime
    modified: datetime
    tags: dict[str, str]

    def describe(self) -> dict[str, Any]:
        """The repository in AWS's shape, the same in Describe and List."""
        return {
            "CodeRepositoryName": self.name,
            "CodeRepositoryArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "GitConfig": self.config,
        }


class CodeRepositoryService:
    """CreateCodeRepository and what belongs to it."""

    def __init__(self, state: SandboxState, tags: TagService) -> None:
        self._state = state
        self._all: dict[AccountRegion, dict[str, _CodeRepository]] = {}
        tags.register_resource_type("code-repository", self._repository_tags, self._repository_names)

    def check_repositories(self, account_region: AccountRegion, notebook: Mapping[str, Any]) -> None:
        """Raise AWS's ValidationException where a notebook instance names a repository that is none."""
        for name_or_url in _named_repositories(notebook):
            if not _is_repository_url(name_or_url) and name_or_url not in self._repositories_by_name(account_region):
                raise validation_error(f"Code Repository ({name_or_url}) not found.")

    def repositories_to_clone(self, account_region: AccountRegion, notebook: Mapping[str, Any]) -> list[GitRepository]:
        """What a notebook instance's settings say it clones; a repository that was deleted is cloned no more."""
        return [
            repository
            for name_or_url in _named_repositories(notebook)
            if (repository := self._resolve_repository(account_region, name_or_url))
        ]

    def _resolve_repository(self, account_region: AccountRegion, name_or_url: str) -> GitRepository | None:
        if _is_repository_url(name_or_url):
            return GitRepository(name_or_url)
        repository = self._repositories_by_name(account_region).get(name_or_url)
        return (
            GitRepository(repository.config["RepositoryUrl"], repository.config.get("Branch")) if repository else None
        )

    @aws_operation("sagemaker", "CreateCodeRepository")
    def create_code_repository(self, call: ApiCall) -> dict[str, Any]:
        name, now, tags = call.params["CodeRepositoryName"], self._state.now(), request_tags(call.params)
        arn = call.account_region.arn(f"code-repository/{name}")
        with self._state.lock(call.account_region):
            if name in self._repositories_by_name(call.account_region):
                raise validation_error(f"Cannot create a duplicate Code Repository ({arn})")
            self._repositories_by_name(call.account_region)[name] = _CodeRepository(
                name, arn, call.params["GitConfig"], now, now, tags
            )
        return {"CodeRepositoryArn": arn}

    @aws_operation("sagemaker", "DescribeCodeRepository")
    def describe_code_repository(self, call: ApiCall) -> dict[str, Any]:
        return self._find_repository(call).describe()

    @aws_operation("sagemaker", "ListCodeRepositories")
    def list_code_repositories(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            rows = [
                ListedResource(repository.name, repository.created, repository.modified, "", repository.describe())
                for repository in self._repositories_in(call.account_region)
            ]
        return list_response(call, rows, "CodeRepositorySummaryList", newest_first=False)

    @aws_operation("sagemaker", "UpdateCodeRepository")
    def update_code_repository(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            repository = self._find_repository(call)
            repository.config = {**repository.config, **call.params.get("GitConfig", {})}
            repository.modified = self._state.now()
        return {"CodeRepositoryArn": repository.arn}

    @aws_operation("sagemaker", "DeleteCodeRepository")
    def delete_code_repository(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            del self._repositories_by_name(call.account_region)[self._find_repository(call).name]
        return {}

    def _repositories_by_name(self, account_region: AccountRegion) -> dict[str, _CodeRepository]:
        return self._all.setdefault(account_region, {})

    def _repositories_in(self, account_region: AccountRegion) -> Iterable[_CodeRepository]:
        return self._repositories_by_name(account_region).values()

    def _find_repository(self, call: ApiCall) -> _CodeRepository:
        name = call.params["CodeRepositoryName"]
        try:
            return self._repositories_by_name(call.account_region)[name]
        except KeyError:
            raise validation_error(f"Code Repository ({name}) not found.") from None

    def _repository_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        repository = self._repositories_by_name(account_region).get(name)
        return repository.tags if repository else None

    def _repository_names(self, account_region: AccountRegion) -> list[str]:
        return list(self._repositories_by_name(account_region))


def _named_repositories(notebook: Mapping[str, Any]) -> list[str]:
    """The default repository first, then the others: names and URLs."""
    default_repository = notebook.get("DefaultCodeRepository")
    return [*([default_repository] if default_repository else []), *notebook.get("AdditionalCodeRepositories", [])]


def _is_repository_url(text: str) -> bool:
    return "://" in text
