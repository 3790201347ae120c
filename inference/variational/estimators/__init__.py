"""Unbiased estimators of gradients of expectations.

`reparameterised`: along the path of continuous choices, for automatic guides.
"""

from .reparameterised import path_gradient

__all__ = ["path_gradient"]
