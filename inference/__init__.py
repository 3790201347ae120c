"""Inference: one program, any method.

    from steersman.inference import infer, SMC
    posterior = infer(story(lm, "Lily"), SMC(64), seed=1)
"""

from steersman.ppl.errors import AllParticlesDead, BudgetTooSmall
from steersman.ppl.meter import Budget

from .algorithm import Algorithm
from .chains import Chains
from .coverage import fit_coverage, pass_at_k
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
from .posterior import Cost, Posterior
from .rejection import Rejection
from .resampling import RESAMPLERS, adaptive, resampler
from .run import Run
from .smc import SMC
from .start import ImpossibleStart
from .stops import every

__all__ = [
    "MCMC", "MH", "RESAMPLERS", "SMC", "Algorithm", "AllParticlesDead", "Budget", "BudgetTooSmall", "Chains", "Cost",
    "Enumerate", "Genealogy", "Importance", "ImpossibleStart", "Kernel", "Move", "NotAnInvolution", "NothingToChange", "Posterior",
    "Proposal", "Rejection", "Run", "adaptive", "block", "cycle", "edit", "every", "fit_coverage", "infer", "involution", "mix",
    "pass_at_k", "posterior_of", "propose", "resampler", "site", "subprogram", "suffix",
]
