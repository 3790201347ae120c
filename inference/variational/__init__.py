"""Variational inference: guides, objectives, and training."""

from steersman.ppl.parameters import BadParameters

from .auto import AutoDiscrete, AutoGuide, AutoMultivariateNormal, AutoNormal
from .contrastive import fit_twists
from .estimators import NoMeasure
from .execution import CannotScore
from .family import Family
from .fit import Fit, fit
from .gradient import NonFinite
from .guide import Guide
from .objective import (
    BadObjective,
    density,
    expect,
    frozen,
    likelihood,
    log_mean_exp,
    marginal,
    normalise,
    prior,
)
from .objectives import best_of_n, dpg, elbo, iwelbo, kl_regularised, renyi, wake, wake_model
from .param_set import ParamSet
from .potential import Potential
from .vi import VI

__all__ = [
    "VI",
    "AutoDiscrete",
    "AutoGuide",
    "AutoMultivariateNormal",
    "AutoNormal",
    "BadObjective",
    "BadParameters",
    "CannotScore",
    "Family",
    "Fit",
    "Guide",
    "NoMeasure",
    "NonFinite",
    "ParamSet",
    "Potential",
    "best_of_n",
    "density",
    "dpg",
    "elbo",
    "expect",
    "fit",
    "fit_twists",
    "frozen",
    "iwelbo",
    "kl_regularised",
    "likelihood",
    "log_mean_exp",
    "marginal",
    "normalise",
    "prior",
    "renyi",
    "wake",
    "wake_model",
]
