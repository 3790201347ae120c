"""How an argument reads in messages: short, and without reading a device."""

from __future__ import annotations

from typing import Any

import numpy as np

_WHOLE = 8  # arrays up to this size are written out


def show(value: Any) -> str:
    """A one-line form: numbers as they are, small arrays as lists, larger ones as dtype and shape."""
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, np.ndarray) and value.size <= _WHOLE:
        return repr(value.tolist())
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"<{value.dtype}{list(value.shape)}>"
    if isinstance(value, list) and len(value) <= _WHOLE:
        return "[" + ", ".join(show(v) for v in value) + "]"
    if hasattr(value, "get_args") and hasattr(value, "event_shape"):
        return _numpyro(value)
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _numpyro(value: Any) -> str:
    """A NumPyro object by its class and arguments."""
    try:
        arguments = value.get_args()
    except (AttributeError, NotImplementedError):
        arguments = {}
    inner = ", ".join(f"{k}={show(v)}" for k, v in arguments.items())
    return f"numpyro {type(value).__name__}({inner})"
