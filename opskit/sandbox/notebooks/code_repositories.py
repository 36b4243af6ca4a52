"""Git repositories by a name of the account's, which notebook instances clone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import invalid
from opskit.sandbox.list_responses import Listed, listed
from opskit.sandbox.notebooks.git_clone import Repository
from opskit.sandbox.state import Call, Place, World
from opskit.sandbox.tags import Tags, tags_given


@dataclass
class _Named:
    """One CodeRepository. Change it under the lock of its place."""

    name: str
    arn: str
    config: dict[str, Any]
    created: datetime
    modified: datetime
    tags: dict[str, str]

    def shown(self) -> dict[str, Any]:
        """The repository in AWS's shape, the same in Describe and List."""
        return {
            "CodeRepositoryName": self.name,
            "CodeRepositoryArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "GitConfig": self.config,
        }


class CodeRepositories:
    """CreateCodeRepository and what belongs to it."""

    def __init__(self, world: World, tags: Tags) -> None:
        self._world = world
        self._all: dict[Place, dict[str, _Named]] = {}
        tags.own("code-repository", self._tags_of)

    def check(self, place: Place, notebook: Mapping[str, Any]) -> None:
        """Raise AWS's ValidationException where a notebook instance names a repository that is none."""
        for one in _wanted(notebook):
            if not _is_url(one) and one not in self._at(place):
                raise invalid(f"Code Repository ({one}) not found.")

    def of(self, place: Place, notebook: Mapping[str, Any]) -> list[Repository]:
        """What a notebook instance's settings say it clones; a repository that was deleted is cloned no more."""
        return [found for one in _wanted(notebook) if (found := self._repository(place, one))]

    def _repository(self, place: Place, name_or_url: str) -> Repository | None:
        if _is_url(name_or_url):
            return Repository(name_or_url)
        named = self._at(place).get(name_or_url)
        return Repository(named.config["RepositoryUrl"], named.config.get("Branch")) if named else None

    @owns("sagemaker", "CreateCodeRepository")
    def create(self, call: Call) -> dict[str, Any]:
        name, now, tags = call.params["CodeRepositoryName"], self._world.now(), tags_given(call.params)
        arn = call.place.arn(f"code-repository/{name}")
        with self._world.lock(call.place):
            if name in self._at(call.place):
                raise invalid(f"Cannot create a duplicate Code Repository ({arn})")
            self._at(call.place)[name] = _Named(name, arn, call.params["GitConfig"], now, now, tags)
        return {"CodeRepositoryArn": arn}

    @owns("sagemaker", "DescribeCodeRepository")
    def describe(self, call: Call) -> dict[str, Any]:
        return self._named(call).shown()

    @owns("sagemaker", "ListCodeRepositories")
    def list_repositories(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            rows = [Listed(one.name, one.created, one.modified, "", one.shown()) for one in self._here(call.place)]
        return listed(call, rows, "CodeRepositorySummaryList", newest_first=False)

    @owns("sagemaker", "UpdateCodeRepository")
    def update(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            named = self._named(call)
            named.config = {**named.config, **call.params.get("GitConfig", {})}
            named.modified = self._world.now()
        return {"CodeRepositoryArn": named.arn}

    @owns("sagemaker", "DeleteCodeRepository")
    def delete(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            del self._at(call.place)[self._named(call).name]
        return {}

    def _at(self, place: Place) -> dict[str, _Named]:
        return self._all.setdefault(place, {})

    def _here(self, place: Place) -> Iterable[_Named]:
        return self._at(place).values()

    def _named(self, call: Call) -> _Named:
        name = call.params["CodeRepositoryName"]
        try:
            return self._at(call.place)[name]
        except KeyError:
            raise invalid(f"Code Repository ({name}) not found.") from None

    def _tags_of(self, place: Place, name: str) -> dict[str, str] | None:
        named = self._at(place).get(name)
        return named.tags if named else None


def _wanted(notebook: Mapping[str, Any]) -> list[str]:
    """The default repository first, then the others: names and URLs."""
    first = notebook.get("DefaultCodeRepository")
    return [*([first] if first else []), *notebook.get("AdditionalCodeRepositories", [])]


def _is_url(text: str) -> bool:
    return "://" in text
