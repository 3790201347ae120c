"""`AdaptedLM`: a language model with a small trainable part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.constraints.masks import Packed
from steersman.ppl.parameters import checked, named
from steersman.ppl.protocols import Floats

from ..errors import ModelError
from ..language_model import LanguageModel, Prefix
from .adapter import Adapter
from .rows import rows_of

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from ..decoder.params import Params
    from ..neural import NeuralLM
    from .whole_texts import WholeTexts


class AdaptedLM(LanguageModel):
    """`base` with adapters: `base.adapted(LoRA(8), SoftPrompt(16), LogitBias(), name="...")`.

    A language model like its base, whose frozen weights it shares; it has a decoder, and so caches, of its own. It is a
    `Trainable`: the texts and tokens that it makes have it as their attribute `trainable`. params: {adapter: arrays},
    assigned as a whole; an assignment drops the caches and compiles nothing.
    """

    def __init__(self, base: NeuralLM, adapters: Sequence[Adapter], name: str, memory: int | None = None) -> None:
        super().__init__()
        keys = [getattr(a, "key", None) for a in adapters]
        if not keys or None in keys or len(set(keys)) < len(keys):
            raise TypeError(f"adapted{tuple(adapters)!r:.120}: give adapters, LoRA(...), SoftPrompt(...) or "
                            "LogitBias(), one of a kind")
        if not isinstance(name, str) or not name:
            raise TypeError(f"adapted(name={name!r}): a name is a str, and not empty")
        self.base, self.adapters, self.name = base, tuple(adapters), name
        self.tokenizer, self.vocab_size = base.tokenizer, base.vocab_size
        self.bos, self.eos = base.bos, base.eos
        self._params = checked(name, {a.key: a.initial(base) for a in adapters}, make=_array)
        self.decoder = base.decoder.beside(self._installed(), memory)
        V, readable = base.vocab_size, self.decoder.params.embed.size
        self._lead: Prefix = tuple(range(V, readable))
        self.max_length = None if base.max_length is None else base.max_length - len(self._lead)

    @property
    def params(self) -> Any:
        """{"lora": {layer: {target: {"a", "b"}}}, "prompt": [P, H], "bias": [V]}, float32, of the adapters there are.

        Assigning raises ValueError that names the leaf for another structure or shape, or a value that is not finite.
        """
        import jax

        return jax.tree.map(lambda leaf: leaf, self._params)

    @params.setter
    def params(self, new: Any) -> None:
        self._params = checked(self.name, new, self._params, _array)
        self.decoder.params = self._installed()

    @property
    def trainable(self) -> Trainable:
        return self

    def gradient(self, members: Sequence[Any], values: Sequence[Any], weights: Floats) -> Any:
        """sum_i w_i grad log q_i(x_i), like `params`. The members are texts or next tokens of this model at any
        temperature, masked, under a constraint with exact masks, or factors of a product; x_i are their values. Where
        a member is a measure, log q_i is its own log-density: that of what draws from it is another.

        Raises ModelError, naming the member, for one whose density is no function of masked logits (a favoured phrase,
        rejection, a normalised product), or for another model's; OutsideSupport for a value of density 0.
        """
        return self.log_prob_and_gradient(members, values, weights)[1]

    def log_prob_and_gradient(
        self, members: Sequence[Any], values: Sequence[Any], weights: Floats
    ) -> tuple[float, Any]:
        """sum_i w_i log q_i(x_i) by the differentiated pass, and `gradient`."""
        rows = rows_of(self, members, values, weights)
        return self._whole_texts.value_and_gradient([row.led(self._led) for row in rows], self._params)

    def draw_next(
        self, prefixes: Sequence[Prefix], uniforms: Floats, temperatures: Floats | None, masks: Packed | None
    ) -> tuple[NDArray[np.integer[Any]], Floats]:
        tokens, log_q, _ = self.decoder.draw(self._all_led(prefixes), uniforms, temperatures, masks)
        return tokens, log_q

    def score_next(
        self, prefixes: Sequence[Prefix], tokens: NDArray[np.int64], temperatures: Floats | None, masks: Packed | None
    ) -> Floats:
        return self.decoder.score(self._all_led(prefixes), tokens, temperatures, masks)

    def next_log_probs(self, prefixes: Sequence[Prefix], temperatures: Floats | None, masks: Packed | None) -> Floats:
        return self.decoder.log_probs(self._all_led(prefixes), temperatures, masks).astype(np.float64)

    def score_sequences(self, prefixes: Sequence[Prefix], continuations: Sequence[Prefix]) -> list[Floats]:
        return self.decoder.score_sequences(self._all_led(prefixes), continuations)

    def top_next(self, prefixes: Sequence[Prefix], temperatures: Floats | None) -> Floats:
        return self.decoder.top(self._all_led(prefixes), temperatures)

    def adapted(self, *adapters: Adapter, name: str = "adapters", memory: int | None = None) -> AdaptedLM:
        raise ModelError(f"{self.name!r} is adapted already: give all adapters together, lm.base.adapted(...)")

    def __repr__(self) -> str:
        size = sum(leaf.size for leaf in named(self._params).values())
        parts = ", ".join(map(repr, self.adapters))
        return f"<AdaptedLM {self.name!r}: {self.base.name!r} with {parts}, {size:,} parameters>"

    @cached_property
    def _whole_texts(self) -> WholeTexts:
        from .whole_texts import WholeTexts  # it imports JAX

        return WholeTexts(self.base.decoder, self.adapters)

    def _installed(self) -> Params:
        params = self.base.decoder.params
        for adapter in self.adapters:
            params = adapter.installed(params, self._params[adapter.key])
        return params

    def _all_led(self, prefixes: Sequence[Prefix]) -> Sequence[Prefix]:
        return [self._led(p) for p in prefixes] if self._lead else prefixes

    def _led(self, prefix: Prefix) -> Prefix:
        """With the soft prompt, behind the beginning-of-text token if the model has one."""
        if self.bos is None:
            return self._lead + prefix
        return prefix[:1] + self._lead + prefix[1:] if prefix else prefix


def _array(leaf: Any) -> Any:
    """A float32 array on the device that nobody else can write to."""
    import jax
    import jax.numpy as jnp

    return jnp.asarray(leaf, jnp.float32) if isinstance(leaf, jax.Array) else jnp.array(leaf, jnp.float32)
