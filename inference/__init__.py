"""Inference: one program, any method.

    from steersman.inference import infer, SMC
    posterior = infer(story(lm, "Lily"), SMC(64), seed=1)
"""

from typing import TYPE_CHECKING, Any

from steersman.ppl.errors import AllParticlesDead, BudgetTooSmall
from steersman.ppl.meter import Budget

from .best_of import BestOf
from .chain.chains import Chains
from .chain.start import ImpossibleStart
from .diagnostics.convergence import ess_bulk, ess_tail, mcse, rhat
from .diagnostics.coverage import fit_coverage, pass_at_k
from .diagnostics.diagnosis import Diagnosis
from .diagnostics.divergences import Divergences, divergences
from .diagnostics.pareto import HeavyTail, pareto_k
from .diagnostics.weight_diagnosis import WeightDiagnosis
from .enumerate import Enumerate
from .evidence.sandwich import Bounds, sandwich
from .gibbs import Gibbs, NeverChanged
from .hamiltonian import HMC, NUTS, NotAllContinuous
from .importance import Importance
from .infer import infer
from .kernels import (
    DensityMismatch,
    Kernel,
    Move,
    NotAnInvolution,
    Proposal,
    StructureChanged,
    block,
    conditional,
    cycle,
    edit,
    hmc,
    involution,
    mix,
    nuts,
    propose,
    random_walk,
    site,
    subprogram,
    suffix,
)
from .mcmc import MCMC, NothingToChange
from .mh import MH
from .nested import posterior_of
from .nested_sampling import NestedSampling
from .parallel_tempering import ParallelTempering
from .particle_gibbs import ParticleGibbs
from .pmmh import ParticleMarginalMH
from .population.stops import every
from .posterior import Cost, Posterior
from .posterior.genealogy import Genealogy
from .quasi_rejection import QuasiRejection
from .rejection import Rejection
from .report import report
from .resampling import RESAMPLERS, adaptive, resampler
from .run import Run
from .run.algorithm import Algorithm
from .smc import SMC
from .tempered_smc import TemperedSMC
from .tempering.anneal import anneal
from .tempering.temperatures import ladder

if TYPE_CHECKING:
    from .variational import VI

# isort: split
from .kernels import particle_gibbs  # the kernel: importing the module of this name has hidden it

__all__ = [
    "HMC", "MCMC", "MH", "NUTS", "RESAMPLERS", "SMC", "VI", "Algorithm", "AllParticlesDead", "BestOf", "Bounds",
    "Budget", "BudgetTooSmall", "Chains", "Cost", "DensityMismatch", "Diagnosis", "Divergences", "Enumerate",
    "Genealogy", "Gibbs", "HeavyTail", "Importance", "ImpossibleStart", "Kernel", "Move", "NestedSampling",
    "NeverChanged", "NotAllContinuous", "NotAnInvolution", "NothingToChange", "ParallelTempering", "ParticleGibbs",
    "ParticleMarginalMH", "Posterior", "Proposal", "QuasiRejection", "Rejection", "Run", "StructureChanged",
    "TemperedSMC", "WeightDiagnosis", "adaptive", "anneal", "block", "conditional", "cycle", "divergences", "edit",
    "ess_bulk", "ess_tail", "every", "fit_coverage", "hmc", "infer", "involution", "ladder", "mcse", "mix", "nuts",
    "pareto_k", "particle_gibbs", "pass_at_k", "posterior_of", "propose", "random_walk", "report", "resampler", "rhat",
    "sandwich", "site", "subprogram", "suffix",
]


def __getattr__(name: str) -> Any:
    """`VI` brings JAX and optax, so it is imported when it is first asked for."""
    if name == "VI":
        from .variational import VI

        return VI
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
