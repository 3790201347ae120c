"""Inference: one program, any method.

    from steersman.inference import infer, SMC
    posterior = infer(story(lm, "Lily"), SMC(64), seed=1)
"""

from steersman.ppl.errors import AllParticlesDead, BudgetTooSmall
from steersman.ppl.meter import Budget

from .algorithm import Algorithm
from .anneal import anneal
from .chains import Chains
from .coverage import fit_coverage, pass_at_k
from .diagnosis import Diagnosis
from .diagnostics import ess_bulk, ess_tail, mcse, rhat
from .enumerate import Enumerate
from .genealogy import Genealogy
from .importance import Importance
from .infer import infer
from .kernels import (
    Kernel,
    Move,
    NotAnInvolution,
    Proposal,
    block,
    cycle,
    edit,
    involution,
    mix,
    propose,
    site,
    subprogram,
    suffix,
)
from .mcmc import MCMC, NothingToChange
from .mh import MH
from .nested import posterior_of
from .nested_sampling import NestedSampling
from .parallel_tempering import ParallelTempering
from .posterior import Cost, Posterior
from .rejection import Rejection
from .resampling import RESAMPLERS, adaptive, resampler
from .run import Run
from .sandwich import Bounds, sandwich
from .smc import SMC
from .start import ImpossibleStart
from .stops import every
from .temperatures import ladder
from .tempered_smc import TemperedSMC

__all__ = [
    "MCMC", "MH", "RESAMPLERS", "SMC", "Algorithm", "AllParticlesDead", "Bounds", "Budget", "BudgetTooSmall", "Chains",
    "Cost", "Diagnosis", "Enumerate", "Genealogy", "Importance", "ImpossibleStart", "Kernel", "Move", "NestedSampling",
    "NotAnInvolution", "NothingToChange", "ParallelTempering", "Posterior", "Proposal", "Rejection", "Run",
    "TemperedSMC", "adaptive", "anneal", "block", "cycle", "edit", "ess_bulk", "ess_tail", "every", "fit_coverage",
    "infer", "involution", "ladder", "mcse", "mix", "pass_at_k", "posterior_of", "propose", "resampler", "rhat",
    "sandwich", "site", "subprogram", "suffix",
]
