"""`TextDistribution`: a continuation of a context, drawn token by token or scored in one pass."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.protocols import Floats
from steersman.ppl.text import Text

from .context import Context
from .errors import ContextTooLong
from .text_machine import TextMachine

if TYPE_CHECKING:
    from .language_model import LanguageModel


class TextDistribution:
    """p(text) = product of p(token given context and earlier tokens), ended by a stop string, the end-of-text token
    or the length limit.

    The values are `Text`s. Drawn, every token is a site named "token" inside the text; observed or assessed, the
    text is scored in one teacher-forced pass. `log_prob` accepts a `Text` (its own tokens and its own end) or a plain
    `str`, which is encoded and ends with the first of: a stop string that it completes, the length limit if it has
    exactly max_tokens tokens, the end-of-text token.
    """

    __slots__ = ("context", "lm", "max_tokens", "stops", "temperature")

    def __init__(self, context: Context, stops: tuple[str, ...], max_tokens: int, temperature: float) -> None:
        self.lm: LanguageModel = context.lm
        if max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {max_tokens}")
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        if "" in stops:
            raise ValueError("a stop string must not be empty")
        limit = self.lm.max_length
        if limit is not None and len(context) + max_tokens > limit:
            raise ContextTooLong(len(context) + max_tokens, limit)
        self.context, self.stops, self.max_tokens, self.temperature = context, stops, max_tokens, temperature

    @property
    def family(self) -> Hashable:
        return (self.lm, self.temperature)

    def begin(self, proposal: Any | None) -> TextMachine:
        if proposal is not None and proposal.lm.tokenizer.token_bytes != self.lm.tokenizer.token_bytes:
            raise ValueError("the proposal of a text must be over the same tokens: its model has another tokenizer")
        return TextMachine(self, proposal)

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """Tokens that scoring `value` costs."""
        return len(self._ended(value))

    def support(self) -> None:
        """A text is enumerated token by token."""
        return

    @staticmethod
    def log_prob(members: Sequence[TextDistribution], values: Sequence[Any]) -> Floats:
        lm, temperature = members[0].lm, members[0].temperature
        out = np.full(len(members), -np.inf)
        possible = [i for i, (m, v) in enumerate(zip(members, values, strict=True)) if m._possible(v)]
        if not possible:
            return out
        prefixes = [members[i].context.tokens for i in possible]
        sequences = [members[i]._ended(values[i]) for i in possible]
        if temperature == 1.0:
            out[possible] = [float(s.sum()) for s in lm.score_sequences(prefixes, sequences)]
        else:  # a tempered text is normalised token by token
            flat = [(p + s[:t], s[t]) for p, s in zip(prefixes, sequences, strict=True) for t in range(len(s))]
            scores = lm.score_next(
                [p for p, _ in flat], np.array([t for _, t in flat]), np.full(len(flat), temperature), None
            )
            ends = np.cumsum([len(s) for s in sequences])
            out[possible] = [float(part.sum()) for part in np.split(scores, ends[:-1])]
        return out

    def _ended(self, value: Any) -> tuple[int, ...]:
        """The tokens whose density is that of the value, its end included."""
        if isinstance(value, Text) and value.tokens:
            return value.tokens
        tokens = self.lm.tokenizer.encode(value)
        if any(value.endswith(s) for s in self.stops) or len(tokens) == self.max_tokens or not self.lm.eos:
            return tokens
        return (*tokens, min(self.lm.eos))

    def _possible(self, value: Any) -> bool:
        """Whether drawing these tokens would have gone on exactly to their end, and ended there."""
        if not isinstance(value, str):
            raise TypeError(f"a text is a str, got {type(value).__name__}: {value!r:.60}")
        replay = TextMachine(self, None)
        for token in self._ended(value):
            if replay.finished:
                return False
            replay.send(token, 0.0, 0.0)
        return replay.finished and (not isinstance(value, Text) or str(replay.value()) == str(value))

    def __repr__(self) -> str:
        return f"lm.text({str(self.context)[-40:]!r}, stop={list(self.stops)}, max_tokens={self.max_tokens})"
