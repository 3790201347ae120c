"""`SoftPrompt`: vectors that stand before every text as if they were embeddings of words (Lester et al. 2021, "Prompt
tuning", section 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import ContextTooLong

if TYPE_CHECKING:
    from ..decoder.params import Params
    from ..neural import NeuralLM


@dataclass(frozen=True)
class SoftPrompt:
    """q(x) = p(x given vectors s_1 .. s_P and the context): P rows of the embedding that are no words.

    words: where the rows begin, so that at first q is p after these words; repeated, or cut, to as many `tokens` as are
    asked for. Without words the rows are those of tokens drawn uniformly from the vocabulary, by `seed`. They follow
    the beginning-of-text token, take positions, so that `max_length` shrinks by P, and are neither drawn nor shown.
    """

    tokens: int | None = None
    words: str = field(default="", compare=False)
    seed: int = field(default=0, compare=False)
    key: ClassVar[str] = "prompt"
    deep: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.tokens is None and not self.words:
            raise ValueError("SoftPrompt(): give the number of tokens, or the words that it begins as")
        if self.tokens is not None and (int(self.tokens) != self.tokens or self.tokens < 1):
            raise ValueError(f"SoftPrompt(tokens={self.tokens}): their number is a whole number, at least 1")

    def initial(self, base: NeuralLM) -> Any:
        """The rows s, [P, H]. Raises ContextTooLong where they leave no room for a text."""
        if self.words:
            words = base.tokenizer.encode(self.words)
            ids = np.resize(words, len(words) if self.tokens is None else self.tokens)
        else:
            ids = np.random.default_rng(self.seed).integers(0, base.vocab_size, self.tokens)
        if base.max_length is not None and len(ids) + 2 > base.max_length:
            raise ContextTooLong(len(ids) + 2, base.max_length)
        weight, scale, _ = base.decoder.params.embed
        rows = np.asarray(weight[ids]).astype(np.float32)
        return rows if scale is None else rows * np.asarray(scale[ids])[:, None]

    def installed(self, params: Params, own: Any) -> Params:
        return params._replace(embed=params.embed._replace(extra=own))
