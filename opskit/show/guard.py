"""What the guard of a command saw, for people and programs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from opskit.decide.guard import estimate_usd, verdict_of, worst_exit
from opskit.flows.guard import Guarded, Terms
from opskit.show.answer import Answer
from opskit.show.money import money
from opskit.show.quotas import answer_of


def guarded(done: Guarded, terms: Terms, program: str, home: str | None) -> Answer:
    """The answer when ``program`` does not run: what stands in the way, or that nothing does. Its arguments stay out
    of it, as they may hold a secret.
    """
    seen = answer_of(done.check, home)
    data = {
        "program": program,
        "ran": False,
        "verdict": verdict_of(done.check).value,
        **seen.data,
        "hours": None if terms.seconds is None else Decimal(terms.seconds) / 3600,
        "estimate_usd": estimate_usd(done.parts) if done.parts else None,
    }
    problems = (*(error.problem for error in done.in_the_way), *done.check.problems)
    exit, notes = worst_exit(done.in_the_way), (*seen.notes, *money(done.parts))
    return replace(seen, data=data, exit=exit, problems=problems, notes=notes)


def let_through(done: Guarded, terms: Terms, program: str) -> str:
    """What is said before ``program`` runs."""
    wanted = ", ".join(f"{each.need} x {each.instance_type} ({each.usage})" for each in terms.demands)
    return "\n".join([f"There is room for {wanted}: running {program}.", *money(done.parts)])
