"""`TextDistribution`: a continuation of a context, drawn token by token or scored in one pass."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.answer import score
from steersman.ppl.errors import OutsideSupport
from steersman.ppl.protocols import Floats
from steersman.ppl.text import Text

from .context import Context
from .errors import ContextTooLong
from .favour import FavouredText
from .text_machine import TextMachine
from .tokens import TokenDistribution, checked_temperature

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
        if max_tokens < 1 or int(max_tokens) != max_tokens:
            raise ValueError(f"max_tokens must be a whole number, at least 1, got {max_tokens}")
        if not all(isinstance(s, str) and s for s in stops):
            raise ValueError(f"a stop string must be a str and not be empty, got {list(stops)}")
        limit = self.lm.max_length
        if limit is not None and len(context) + max_tokens > limit:
            raise ContextTooLong(len(context) + max_tokens, limit)
        self.context, self.stops, self.max_tokens = context, stops, max_tokens
        self.temperature = checked_temperature(temperature)

    @property
    def family(self) -> Hashable:
        return (self.lm, self.temperature)

    def next_token(self, context: Context, so_far: bytes) -> TokenDistribution:
        """The distribution of the next token in `context`, where the text reads `so_far`."""
        return TokenDistribution(context, self.temperature)

    def favouring(self, phrase: str, boost: float = 4.0) -> FavouredText:
        """A proposal for this text: until the text holds the phrase, the logit of the token that begins (or
        continues) it is raised by `boost` nats. The target stays as it is: the weight gains log p - log q, at least
        -boost a token."""
        return FavouredText(self, phrase, boost)

    def begin(self, proposal: TextDistribution | FavouredText | None) -> TextMachine:
        if proposal is not None and not _same_tokens(proposal.lm, self.lm):
            raise ValueError("the proposal of a text must be over the same tokens: its model has another tokenizer")
        return TextMachine(self, proposal)

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """Tokens that scoring `value` costs; none where `given` has just evaluated the same context."""
        if not isinstance(value, str) or (isinstance(given, TextDistribution) and given.context == self.context):
            return 0
        return len(self._ended(value))

    def support(self) -> None:
        """A text is enumerated token by token."""
        return

    @staticmethod
    def log_prob(members: Sequence[TextDistribution], values: Sequence[Any]) -> Floats:
        machines = TextDistribution.retrace(members, [None] * len(members), values)
        return np.array([-np.inf if m is None else sum(s.log_p for s in m.sites()) for m in machines], np.float64)

    @staticmethod
    def retrace(
        members: Sequence[TextDistribution], proposals: Sequence[TextDistribution | FavouredText | None],
        values: Sequence[Any],
    ) -> list[TextMachine | None]:
        """The finished draws of `values`, every text scored in one teacher-forced pass; None where the draw of these
        tokens would have ended before their last one, or not there."""
        machines = [m._replayed(p, v) for m, p, v in zip(members, proposals, values, strict=True)]
        _score([(0, m) for m in machines if m is not None])
        return machines

    @staticmethod
    def complete(machines: Sequence[TextMachine], rests: Sequence[Sequence[int]]) -> list[TextMachine | None]:
        """Texts that are half drawn, finished with the given tokens, which are scored in one teacher-forced pass;
        None where the draw would have ended before the last of them, or not there."""
        done = [m.completed(rest) for m, rest in zip(machines, rests, strict=True)]
        _score([(len(begun), m) for begun, m in zip(machines, done, strict=True) if m is not None])
        return done

    def _ended(self, value: Any) -> tuple[int, ...]:
        """The tokens whose density is that of the value, its end included. Raises OutsideSupport unless it is a str."""
        if not isinstance(value, str):
            raise OutsideSupport(f"a text is a str, got {type(value).__name__}")
        if isinstance(value, Text) and self.lm.spells(value):
            return value.tokens
        tokens = self.lm.tokenizer.encode(value)
        if any(value.endswith(s) for s in self.stops) or len(tokens) == self.max_tokens or not self.lm.eos:
            return tokens
        return (*tokens, min(self.lm.eos))

    def _replayed(self, proposal: TextDistribution | FavouredText | None, value: Any) -> TextMachine | None:
        """The draw of a value, its scores left at 0; None if no draw has these tokens and this end."""
        tokens = self._ended(value)
        machine = self.begin(proposal).completed(tokens)
        own = isinstance(value, Text) and tokens is value.tokens
        return None if machine is None or (own and machine.so_far() != value) else machine

    def __repr__(self) -> str:
        return f"lm.text({str(self.context)[-40:]!r}, stop={list(self.stops)}, max_tokens={self.max_tokens})"


def _same_tokens(a: LanguageModel, b: LanguageModel) -> bool:
    return a.tokenizer is b.tokenizer or a.tokenizer.token_bytes == b.tokenizer.token_bytes


def _score(drawn: Sequence[tuple[int, TextMachine]]) -> None:
    """Score the tokens of each finished draw from the given position on: one pass for the targets, one for the
    proposals."""
    parts = [(m.text, tuple(m.tokens[:begin]), tuple(m.tokens[begin:])) for begin, m in drawn]
    log_p = log_q = _score_tokens(parts)
    if any(m.proposal is not None for _, m in drawn):
        sources = [m.text if m.proposal is None else m.proposal for _, m in drawn]
        log_q = _score_tokens([(q, head, tail) for q, (_, head, tail) in zip(sources, parts, strict=True)])
    for (begin, machine), lp, lq in zip(drawn, log_p, log_q, strict=True):
        machine.set_scores(begin, lp, lq)


Part = tuple["TextDistribution | FavouredText", tuple[int, ...], tuple[int, ...]]


def _score_tokens(parts: Sequence[Part]) -> list[list[float]]:
    """log p of every token of each tail, a continuation of the context of its text and the head, one call for each
    model: teacher-forced, or token by token where every token has its own normalisation (temperatures, favoured
    phrases)."""
    out: list[list[float]] = [[]] * len(parts)
    whole: dict[LanguageModel, list[int]] = {}
    single: list[tuple[int, Any, int]] = []
    for i, (text, head, tail) in enumerate(parts):
        if isinstance(text, TextDistribution) and text.temperature == 1.0:
            whole.setdefault(text.lm, []).append(i)
        else:
            out[i] = []
            single += [(i, token_dist, token) for token_dist, token in _steps(text, head, tail)]
    for lm, members in whole.items():
        prefixes = [parts[i][0].context.tokens + parts[i][1] for i in members]
        for i, s in zip(members, lm.score_sequences(prefixes, [parts[i][2] for i in members]), strict=True):
            out[i] = np.asarray(s).tolist()
    scores = score([d for _, d, _ in single], [t for _, _, t in single])
    for (i, _, _), log_p in zip(single, scores, strict=True):
        out[i].append(log_p)
    return out


def _steps(
    text: TextDistribution | FavouredText, head: tuple[int, ...], tail: tuple[int, ...]
) -> Iterator[tuple[Any, int]]:
    """(its distribution, the token) for every token of the tail."""
    pieces = text.lm.tokenizer.token_bytes
    context, so_far = text.context + head, b"".join([pieces[t] for t in head])
    for token in tail:
        yield text.next_token(context, so_far), token
        context, so_far = context + token, so_far + pieces[token]
