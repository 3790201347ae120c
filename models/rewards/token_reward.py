"""`token_reward`: a JAX function of padded token arrays as a reward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.batched import Failure, OnError

from ..errors import first_line
from ..language_model import LanguageModel
from ..tokenizer import Tokenizer
from .errors import BadReward
from .padded import Ints, Row, padded
from .reward import Reward

TokenFunction = Callable[[Any, Any], Any]
ROWS, LEAST_TOKENS = (8, 32), 32
CLOSE: dict[str, float] = {"rtol": 1e-4, "atol": 1e-5}


class TokenReward(Reward):
    """``fn(tokens [n, T] int32, lengths [n] int32) -> [n]``, compiled, for texts of any number and length.

    Texts are encoded and padded with zeros, to 8, 32 or `max_rows` rows of 32 times a power of 4 tokens: padding is
    taken to be cheap, and compiling is not. Rows of length 0 may be among them. What lies behind `lengths` must not
    change the result: the first batch is scored again with other padding to see that it does not.

    Raises BadReward for a function that cannot be compiled, reads padding, or returns another shape.
    """

    __slots__ = ("_compiled", "_seen", "_shapes", "_sizes", "_tokens_of", "stats")

    def __init__(
        self, fn: TokenFunction, tokens_of: Callable[[str], Row], *, max_rows: int = 128, on_error: OnError = "raise"
    ) -> None:
        import jax

        from ..decoder.stats import Stats

        if max_rows < 1:
            raise ValueError(f"token_reward(max_rows={max_rows}): a batch has at least 1 row")
        super().__init__(self._score, on_error=on_error, name=getattr(fn, "__name__", "token_reward"))
        self.stats = Stats()
        self._compiled, self._tokens_of, self._shapes = jax.jit(fn), tokens_of, set[tuple[int, ...]]()
        self._sizes, self._seen = tuple(sorted({min(n, max_rows) for n in (*ROWS, max_rows)})), False

    def _score(self, items: list[tuple[Any, ...]]) -> Sequence[float | Failure]:
        rows = [sum((self._tokens_of(text) for text in texts), ()) for texts in items]
        out = np.empty(len(rows))
        for some, tokens, lengths in padded(rows, self._shape):
            found = self._run(tokens, lengths)
            if not self._seen:
                self._check_padding(tokens, lengths, found, len(some))
            out[some] = found[: len(some)]
        results: list[float] = out.tolist()
        return results

    def _shape(self, longest: int) -> tuple[int, tuple[int, ...]]:
        size = LEAST_TOKENS
        while size < longest:
            size *= 4
        return size, self._sizes

    def _run(self, tokens: Ints, lengths: Ints) -> NDArray[np.float64]:
        self._shapes.add(tokens.shape)
        self.stats.compiles = len(self._shapes)
        self.stats.forwards += 1
        self.stats.positions += int(lengths.sum())
        self.stats.padded += tokens.size - int(lengths.sum())
        try:
            found = np.asarray(self._compiled(tokens, lengths), np.float64)
        except Exception as error:  # it is compiled for all rows alike: no single item is to blame
            raise BadReward(f"{self.__name__} fails on tokens of shape {tokens.shape}: {first_line(error)}") from error
        if found.shape != lengths.shape:
            raise BadReward(
                f"{self.__name__} made tokens of shape {tokens.shape} an array of shape {found.shape}; a token reward "
                f"returns one number for each row, shape {lengths.shape}"
            )
        return found

    def _check_padding(self, tokens: Ints, lengths: Ints, found: NDArray[np.float64], n: int) -> None:
        """Score the batch once more, in a larger array that is padded with a token of its own."""
        B, T = tokens.shape
        other = np.full((2 * B, 2 * T), tokens.max(), np.int32)
        for b in range(B):
            other[b, : lengths[b]] = tokens[b, : lengths[b]]
        again = self._run(other, np.concatenate([lengths, np.zeros(B, np.int32)]))[:n]
        if (bad := np.flatnonzero(~np.isclose(found[:n], again, equal_nan=True, **CLOSE))).size:
            i = int(bad[0])
            raise BadReward(
                f"{self.__name__} depends on its padding: a text of {lengths[i]} tokens scores {found[i]:g} or "
                f"{again[i]:g} by what lies behind it. Mask positions with jnp.arange(T) < lengths[:, None]"
            )
        self._seen = bool(tokens.any())  # else the padding was the same


def token_reward(
    fn: TokenFunction, tokenizer: Tokenizer | LanguageModel, *, max_rows: int = 128, on_error: OnError = "raise"
) -> TokenReward:
    """``reward = token_reward(fn, lm)``: see `TokenReward`. Given a language model, a text that it drew keeps the
    tokens that were drawn; a tokenizer encodes each text afresh."""
    tokens_of = tokenizer.tokens_of if isinstance(tokenizer, LanguageModel) else tokenizer.encode
    return TokenReward(fn, tokens_of, max_rows=max_rows, on_error=on_error)
