"""`Adapter`: a small trainable part of a decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from ..decoder.params import Params
    from ..neural import NeuralLM


class Adapter(Protocol):
    """A record that says what is learnt. It is hashable, and what it computes depends on nothing else: compiled
    programs are chosen by it."""

    key: ClassVar[str]
    """Under which its parameters are found in `AdaptedLM.params`."""
    deep: ClassVar[bool]
    """Whether hidden states depend on its parameters, not only logits."""

    def initial(self, base: NeuralLM) -> Any:
        """Its first parameters: nested dicts, with names of their own at every level, of float32 arrays; or one."""
        ...

    def installed(self, params: Params, own: Any) -> Params:
        """The parameters of the decoder with its `own` in them; pure, so that JAX can differentiate it."""
        ...
