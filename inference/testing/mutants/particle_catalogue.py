"""All mutants of conditional sweeps and resample-move, each with the oracle that must see it and a model."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...kernels import suffix
from ...kernels.particle_gibbs import particle_gibbs
from ...kernels.particle_marginal import ParticleMarginal, particle_marginal
from ...population.csmc import ConditionalSMC
from ...smc import SMC
from ..agree import check_method
from ..models import OracleModel, crossroads_model, telegram_model
from ..tiny import bounded_model, tosses_model, word_model
from ..transitions import check_transitions
from . import conditional, rejuvenation
from .catalogue import _line
from .chain_catalogue import ChainMutant


def particle_mutants() -> list[ChainMutant]:
    """The bugs that public code has, for particle Gibbs, particle-marginal MH and resample-move SMC."""
    bounded, tosses, word = bounded_model(2), tosses_model(), word_model()
    out = []

    def sweep(
        name: str, bug: type[ConditionalSMC], model: OracleModel, *, particles: int = 2, **settings: Any
    ) -> None:
        kernel = particle_gibbs(particles, **settings)
        planted = conditional.swept_by(bug, kernel)
        ask = partial(check_transitions, reversible=False)
        out.append(ChainMutant(name, _line(bug), planted, kernel, model, "invariant", ask))

    def marginal(name: str, bug: type[ParticleMarginal]) -> None:
        kernel = particle_marginal(1, "count", resample_at="taste")
        planted = bug(kernel.size, kernel.names, kernel.move, "taste")
        ask = partial(check_transitions, reversible=False)
        out.append(ChainMutant(name, _line(bug), planted, kernel, tosses, "invariant", ask))

    def moved(
        name: str, bug: type[SMC], model: OracleModel, oracle: str, particles: int, *, threshold: float = 1.0
    ) -> None:
        planted, correct = (
            cls(particles, ess_threshold=threshold, rejuvenate=suffix(), rejuvenation_steps=4) for cls in (bug, SMC)
        )
        ask = partial(check_method, runs=800, error_bars=False)
        out.append(ChainMutant(name, _line(bug), planted, correct, model, oracle, ask))

    sweep("reference inherited", conditional.ReferenceInherited, bounded, particles=3)
    sweep("systematic around the reference", conditional.SystematicAround, bounded, particles=3)
    sweep("others decide", conditional.OthersDecide, bounded, particles=3)
    sweep("finished reference dropped", conditional.ReferenceDropped, bounded)
    sweep("finished reference re-weighted", conditional.FinishedReferenceReweighted, bounded_model())
    sweep("reference passes over stops", conditional.PassesOverStops, word_model("proposal"), resample_at="token")
    sweep("survivors alike", conditional.SurvivorsAlike, word)
    sweep("future forgotten", conditional.FutureForgotten, tosses, ancestor_sampling=True)
    sweep("twist in the past", conditional.TwistInPast, word_model("twist"), ancestor_sampling=True)
    marginal("evidence drawn anew", conditional.EvidenceDrawnAnew)
    marginal("parameters as if symmetric", conditional.ParametersAsIfSymmetric)
    telegram = telegram_model()
    moved("moves weigh", rejuvenation.WeightedAgain, telegram, "measure", 2)
    moved("moves only after resampling", rejuvenation.OnlyAfterResampling, word, "measure", 4, threshold=0.8)
    moved("finished by moves", rejuvenation.FinishedByMoves, crossroads_model(), "measure", 2)
    moved("twist out of the target", rejuvenation.TwistOutOfTarget, telegram_model("telescoping"), "evidence", 2)
    return out
