"""All mutants, each with settings and a model on which it shows."""

from __future__ import annotations

from typing import Any

from ...importance import Importance
from ...resampling import Resampler
from ...smc import SMC
from ..models import OracleModel, coins_model, crossroads_model, sentence_model, small_model, telegram_model
from . import populations, resampling, results, weighting
from .planting import Mutant


def mutants() -> list[Mutant]:
    """The bugs that public code has, for importance sampling and SMC."""
    prior, proposal, twist = (sentence_model(how) for how in ("prior", "proposal", "twist"))
    crossroads, coins = crossroads_model(), coins_model()
    few: dict[str, Any] = {"particles": 4, "expand": 2}
    often: dict[str, Any] = {"particles": 8, "ess_threshold": 0.9}
    expand: dict[str, Any] = {"particles": 6, "expand": 3}
    out = []

    def smc(
        name: str, cls: type[SMC], model: OracleModel, oracle: str, *, small: str | None = None, threshold: float = 1.0,
        **settings: Any,
    ) -> None:
        few = {"particles": 2, "ess_threshold": threshold, "resample_at": "step"}
        exhaustible = None if small is None else (few, small_model(small))
        out.append(Mutant(name, _line(cls), cls, SMC, model, oracle, settings, small=exhaustible))

    def importance(
        name: str, cls: type[Importance], model: OracleModel, oracle: str, *, small: str | None = None
    ) -> None:
        exhaustible = None if small is None else ({"particles": 2}, small_model(small))
        out.append(Mutant(name, _line(cls), cls, Importance, model, oracle, {"particles": 8}, small=exhaustible))

    def scheme(name: str, bad: Resampler, good: str, model: OracleModel, oracle: str, **settings: Any) -> None:
        out.append(Mutant(
            name, _line(bad), lambda **s: SMC(**s, resample=bad), lambda **s: SMC(**s, resample=good), model, oracle,
            settings,
        ))

    smc("finished re-weighted", populations.FinishedReweighted, crossroads, "evidence", small="prior", **often)
    smc("finished dropped", populations.FinishedDropped, crossroads, "evidence", small="prior", **often)
    smc("evidence forgotten", populations.ForgottenEvidence, crossroads, "evidence", small="prior", **often)
    smc("evidence overwritten", populations.OverwrittenEvidence, prior, "evidence", small="prior", **often)
    smc("incoming weights discarded", populations.IncomingDiscarded, prior, "evidence", small="prior", threshold=0.75,
        particles=8, ess_threshold=0.3)
    smc("weights not reset", populations.WeightsNotReset, crossroads, "evidence", small="prior", **often)
    smc("twist kept", populations.TwistKept, twist, "measure", small="twist", **often)
    smc("last potential twice", populations.LastPotentialTwice, crossroads, "measure", small="prior", **often)
    smc("rounds share keys", populations.RoundsShareKeys, prior, "evidence", **often)
    smc("slots share keys", populations.SlotsShareKeys, telegram_model(), "spread", particles=8, ess_threshold=0.0)
    scheme("floor-biased resampling", resampling.floor_biased, "systematic", prior, "evidence", **often)
    scheme("beam search", resampling.heaviest, "optimal", prior, "evidence", **expand)
    scheme("optimal, uniform weights", resampling.optimal_uniform, "optimal", prior, "measure", **expand)
    scheme("optimal, too few", resampling.optimal_too_few, "optimal", coins, "structure", **few)
    scheme("optimal, zero weights", resampling.optimal_zero_weight, "optimal", coins, "structure", **few)
    importance("averaged log-probabilities", weighting.AveragedWeights, prior, "evidence", small="prior")
    importance("proposal forgotten", weighting.ProposalForgotten, proposal, "evidence", small="proposal")
    importance("proposal inverted", weighting.ProposalInverted, proposal, "evidence", small="proposal")
    importance("survivors only", weighting.SurvivorsOnly, coins, "evidence", small="prior")
    out.append(Mutant("allowed mass forgotten", _line(weighting.MassForgotten), Importance, Importance, proposal,
                      "evidence", {"particles": 8}, weighting.MassForgotten,
                      ({"particles": 1}, small_model("proposal"))))
    importance("draw ignores weights", results.DrawIgnoresWeights, prior, "draw")
    importance("duplicates double counted", results.DuplicatesDoubleCounted, prior, "measure")
    return out


def _line(planted: Any) -> str:
    """The bug in one line: the first sentence of what was planted."""
    return " ".join((planted.__doc__ or "").split("\n\n")[0].split())
