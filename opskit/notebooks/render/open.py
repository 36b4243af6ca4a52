"""A notebook's address, for people and programs."""

from __future__ import annotations

from opskit.notebooks.flows.open import URL_VALID_SECONDS
from opskit.output.result import CommandResult


def opened_result(name: str, region: str, print_command: str) -> CommandResult:
    """The answer of ``notebook open`` when a browser has it: without the address, which is a key."""
    data = {"region": region, "name": name, "url": None, "expires_in_seconds": None}
    return CommandResult(data, notes=(f"{name} opens in your browser. If it does not: {print_command}",))


def address_result(name: str, region: str, url: str) -> CommandResult:
    """The answer of ``notebook open`` when the address itself is what was asked for."""
    data = {"region": region, "name": name, "url": url, "expires_in_seconds": URL_VALID_SECONDS}
    return CommandResult(data, notes=(url,), holds_keys=True)
