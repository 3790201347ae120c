"""Errors of the language. Each names the site (or the argument) and the fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SteersmanError(Exception):
    """Base class of the errors that Steersman raises about a program, a model or a run."""


class ReplayDivergence(SteersmanError):
    """A replayed program asked for another effect than the recorded one: it is not a function of its choices."""


class ProgramError(SteersmanError, TypeError):
    """A program misuses the language; the message names the program and the line."""

    located = False  # whether the message already does


class MissingAwait(ProgramError, AttributeError):
    """An effect was used as a value, or dropped, without `await`."""


class NotAnEffect(ProgramError):
    """Something that is no effect was awaited."""


class NotADistribution(ProgramError):
    """Something that is no distribution was given to `sample` or `observe`."""


class NameReused(SteersmanError, ValueError):
    """One name was used for two kinds of effect in one scope."""


class InvalidWeight(SteersmanError, ValueError):
    """A factor, twist or density that is NaN or +inf."""


class CallFailed(SteersmanError, ValueError):
    """A batched function raised, or gave a result that is none, for one particle, which is named."""


class OutsideSupport(SteersmanError, ValueError):
    """A value that was fixed or observed cannot be what the distribution produces (wrong type or shape)."""


class UnknownAddress(SteersmanError, KeyError):
    """A constraint or selection names a site that the program never reaches, or a site lacks its value."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class NotEnumerable(SteersmanError, ValueError):
    """A choice without finite support was met where enumeration is asked for."""


class TracedControlFlow(SteersmanError, TypeError):
    """A program branched on a value that JAX is tracing."""


class Stopped(SteersmanError):
    """A run was asked to stop; methods return what they have."""


class BudgetExhausted(Stopped):
    """The next round would exceed the budget."""


class Interrupted(Stopped):
    """Ctrl-C."""


class BudgetTooSmall(SteersmanError, ValueError):
    """The budget does not pay for a single step."""


class AllParticlesDead(SteersmanError):
    """Every particle has weight zero. `killed` counts the particles by the site that killed them; `posterior` is the
    empty result. exact: every execution was tried, so that the constraint is impossible, not just rare."""

    def __init__(self, killed: Mapping[str, int], posterior: Any = None, *, exact: bool = False) -> None:
        total = sum(killed.values())
        ranked = sorted(killed.items(), key=lambda kv: -kv[1])
        sites = ", ".join(f"{site} ({n})" for site, n in ranked[:6]) + (", ..." if len(ranked) > 6 else "")
        if exact:
            advice = "No execution meets the constraints: relax one of these"
        else:
            advice = ("The constraint may be impossible, or too rare for this population: use more particles, resample "
                      "earlier, or add a twist or a proposal that leads to it")
        super().__init__(f"all {total} {'executions' if exact else 'particles'} are dead; killed by: {sites}. {advice}")
        self.killed = dict(killed)
        self.posterior = posterior
