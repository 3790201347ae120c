"""`TextDistribution`: a continuation of a context, drawn token by token or scored in one pass."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from ..context import Context
from ..errors import ContextTooLong
from ..favour import FavouredText
from ..tokens import TokenDistribution, checked_temperature
from .measure import TextMeasure
from .stops import Stops
from .word import WordEnd

if TYPE_CHECKING:
    from ..where import Progress


class TextDistribution(TextMeasure):
    """p(text) = product of p(token given context and earlier tokens), ended by a stop (a stop string, or the end
    of a word), the end-of-text token or the length limit. See `TextMeasure` for its values.
    """

    __slots__ = ("temperature",)
    context: Context

    def __init__(self, context: Context, stops: Stops, max_tokens: int, temperature: float) -> None:
        self.lm = context.lm
        if max_tokens < 1 or int(max_tokens) != max_tokens:
            raise ValueError(f"max_tokens must be a whole number, at least 1, got {max_tokens}")
        limit = self.lm.max_length
        if limit is not None and len(context) + max_tokens > limit:
            raise ContextTooLong(len(context) + max_tokens, limit)
        self.context, self.stops, self.max_tokens = context, stops, max_tokens
        self.temperature = checked_temperature(temperature)

    @property
    def family(self) -> Hashable:
        return (self.lm, self.temperature)

    @property
    def identity(self) -> Hashable:
        return self.context, self.stops, self.max_tokens, self.temperature

    @property
    def one_pass(self) -> bool:
        return self.temperature == 1.0

    def next_token(self, context: Context, so_far: bytes, where: Progress | None = None) -> TokenDistribution:
        return TokenDistribution(context, self.temperature)

    def favouring(self, phrase: str, boost: float = 4.0) -> FavouredText:
        """A proposal for this text: until the text holds the phrase, the logit of the token that begins (or
        continues) it is raised by `boost` nats. The target stays as it is: the weight gains log p - log q, at least
        -boost a token."""
        return FavouredText(self, phrase, boost)

    def __repr__(self) -> str:
        prompt = repr(str(self.context)[-40:])
        if isinstance(self.stops, WordEnd):
            return f"lm.word({prompt}, max_tokens={self.max_tokens})"
        return f"lm.text({prompt}, stop={self.stops!r}, max_tokens={self.max_tokens})"
