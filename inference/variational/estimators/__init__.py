"""Estimators of the gradient through what is drawn at a site, beside the score function (see `gradient`).

`enumerated`, `measure_valued`: for one site at a time (`choice` says which). `reparameterised`: along the path of all
continuous choices of an automatic guide; `param_path`: of a guide program with parameters (`ParamSet`); `along_paths`:
which of the two, and for what.
"""

from .along_paths import along_paths
from .alternatives import Drawn
from .choice import ESTIMATORS, Estimators, checked
from .enumerated import enumerated
from .measure_valued import NoMeasure, measure_valued
from .param_path import has_path, param_path_gradient
from .reparameterised import path_gradient

__all__ = [
    "ESTIMATORS", "Drawn", "Estimators", "NoMeasure", "along_paths", "checked", "enumerated", "has_path",
    "measure_valued", "param_path_gradient", "path_gradient",
]
