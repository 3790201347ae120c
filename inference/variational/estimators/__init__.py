"""Unbiased estimators of gradients of expectations, along the path of continuous choices.

`reparameterised`: for automatic guides. `param_path`: for guide programs with parameters (`ParamSet`).
"""

from .param_path import has_path, param_path_gradient
from .reparameterised import path_gradient

__all__ = ["has_path", "param_path_gradient", "path_gradient"]
