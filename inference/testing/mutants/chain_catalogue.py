"""All mutants of Markov chains, each with the oracle that must see it and a model on which it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...chain.start import Start
from ...chain.target import Tempered
from ...kernels import block, edit, mix, site, subprogram, suffix
from ...kernels.kernel import Kernel, Move
from ...mh import MH
from ..chains import check_chain, check_kernel
from ..models import OracleModel, stanza_model
from ..poems import line_model, poem_model, tree_model
from ..report import Report
from ..transitions import check_transitions
from . import chains, moves
from .catalogue import _line
from .moves import Skew, Skewed

Ask = Callable[[Any, OracleModel], Report]


@dataclass(frozen=True)
class ChainMutant:
    """A known bug, planted in a real kernel or method.

    planted, correct: the kernel (or method) with the bug and without. ask: the oracle, ``ask(kernel, model)``. oracle:
    which of its checks is built to see the bug. sampled: an oracle that sees it by sampling, where `ask` computes.
    """

    name: str
    bug: str
    planted: Any
    correct: Any
    model: OracleModel
    oracle: str
    ask: Ask
    sampled: Ask | None = None

    def report(self) -> Report:
        return self.ask(self.planted, self.model)

    def original(self) -> Report:
        return self.ask(self.correct, self.model)


def chain_mutants() -> list[ChainMutant]:
    """The bugs that public code has, for Metropolis-Hastings over executions."""
    line, proposal, poem, tree = line_model(), line_model("proposal"), poem_model(), tree_model()
    out = []

    def ratio(name: str, skew: Skew, move: Move, model: OracleModel, **options: Any) -> None:
        kernel(name, _line(skew), Skewed(move, skew), move, model, "reversible", **options)

    def kernel(
        name: str, bug: str, planted: Kernel, correct: Kernel, model: OracleModel, oracle: str, **options: Any
    ) -> None:
        ask, sampled = partial(check_transitions, **options), partial(check_kernel, **_sampling(options))
        out.append(ChainMutant(name, bug, planted, correct, model, oracle, ask,
                               _check_from_prior if oracle == "irreducible" else sampled))

    def method(name: str, planted: type[MH], correct: type[MH], oracle: str, chains: int, steps: int,
               warmup: int, init: Start = "prior") -> None:
        bad, good = (cls(chains, steps, suffix(), warmup=warmup, init=init) for cls in (planted, correct))
        out.append(ChainMutant(name, _line(planted), bad, good, line, oracle, check_chain))

    few = {"irreducible": False}
    ratio("lengths forgotten", moves.lengths_forgotten, suffix(), line)
    ratio("number of choices forgotten", moves.count_forgotten, site(), poem)
    ratio("births not charged", moves.births_forgotten, site(), poem)
    ratio("averaged log densities", moves.averaged, suffix(), line)
    ratio("kept choices not scored again", moves.kept_not_scored_again, site(), stanza_model("flat"))
    ratio("proposal density forgotten", moves.proposal_density_forgotten, suffix(), proposal)
    ratio("inverted ratio", moves.inverted, suffix(), line)
    ratio("rates of edits forgotten", moves.rates_forgotten, edit(insert=3), line, **few)
    ratio("number of sub-programs forgotten", moves.scopes_forgotten, subprogram(), tree)
    ratio("temperature forgotten", moves.temperature_forgotten, suffix(), line, target=Tempered(0.4))
    kernel("the end is never cut", _line(moves.NeverTheEnd), moves.NeverTheEnd((), None), suffix(), line, "irreducible")
    kernel("early end accepted", _line(moves.EarlyEndAccepted), moves.EarlyEndAccepted(2), block(length=2), line,
           "reversible", **few)
    kernels = suffix(), edit("line")
    kernel("weights by the state", _line(moves.PossibleOnly), moves.PossibleOnly(kernels, [0.2, 0.8]),
           mix(*kernels, weights=[1, 4]), poem, "reversible")
    method("rejected states not counted", chains.RejectedNotCounted, MH, "mean", 200, 8, 0, line.exact)
    method("slots share keys", chains.SlotsShareKeys, MH, "last state", 250, 1, 20, line.exact)
    method("steps share keys", chains.StepsShareKeys, MH, "mean", 200, 4, 35)
    method("stale target", chains.StaleTarget, chains.HotWarmUp, "last state", 250, 1, 40, line.exact)
    return out


def _check_from_prior(kernel: Kernel, model: OracleModel) -> Report:
    """What is invariant but cannot be left shows when chains do not start at the posterior."""
    return check_chain(MH(1000, 1, kernel, warmup=30), model)


def _sampling(options: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in options.items() if k != "irreducible"}
