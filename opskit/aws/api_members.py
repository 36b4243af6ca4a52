"""What the installed botocore knows of AWS's API."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def has_request_member(service: str, operation: str, *path: str) -> bool:
    """Whether an operation's request has a member, by its path; lists on the way are entered. A client refuses members
    that its model does not have.
    """
    from botocore.session import Session

    shape: Any = Session().get_service_model(service).operation_model(operation).input_shape
    for name in path:
        while shape.type_name == "list":
            shape = shape.member
        if name not in getattr(shape, "members", {}):
            return False
        shape = shape.members[name]
    return True


def operations_taking(service: str, members: frozenset[str]) -> dict[str, bool]:
    """The operations of a service whose request has all these members, each with whether none of its required members
    is missing.
    """
    from botocore.session import Session

    model = Session().get_service_model(service)
    shapes = {name: model.operation_model(name).input_shape for name in model.operation_names}
    taking = {name: shape for name, shape in shapes.items() if shape and members <= shape.members.keys() and members}
    return {name: members >= set(shape.required_members) for name, shape in taking.items()}
