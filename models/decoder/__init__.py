"""The decode path: a batched, cached, exact language-model runtime in JAX.

`Decoder` is the whole interface. Behind it: `families` and `weights` read a Hugging Face folder into `config` and
`params`; `forward`, `attention` and `rope` are the forward pass; `slots` decides on the host which row of the
key-value cache holds which context; `bank` owns the device arrays of one prompt; `draw` samples tokens; `memo`
remembers log-probabilities.
"""

from .decoder import Decoder
from .slots import Prefix
from .stats import Stats

__all__ = ["Decoder", "Prefix", "Stats"]
