"""Inference: one program, any method.

    from steersman.inference import infer, SMC
    posterior = infer(story(lm, "Lily"), SMC(64), seed=1)
"""

from steersman.ppl.errors import AllParticlesDead, BudgetTooSmall
from steersman.ppl.meter import Budget

from .algorithm import Algorithm
from .coverage import fit_coverage, pass_at_k
from .enumerate import Enumerate
from .genealogy import Genealogy
from .importance import Importance
from .infer import infer
from .nested import posterior_of
from .posterior import Cost, Posterior
from .rejection import Rejection
from .resampling import RESAMPLERS, adaptive, resampler
from .run import Run
from .smc import SMC
from .stops import every

__all__ = [
    "RESAMPLERS", "SMC", "Algorithm", "AllParticlesDead", "Budget", "BudgetTooSmall", "Cost", "Enumerate", "Genealogy",
    "Importance", "Posterior", "Rejection", "Run", "adaptive", "every", "fit_coverage", "infer", "pass_at_k",
    "posterior_of", "resampler",
]
