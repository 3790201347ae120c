"""The tokens whose log-probabilities a gradient is about, as few rows as hold them all.

log q of a text, or of a token, is a sum over positions of log-probabilities of a token given those before it. Values
that lie on one line of tokens (a text and what it begins with, the steps of one draw) share a row, in which every
position has the sum of their weights, so that a line of T tokens costs T positions and not T^2 / 2.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from steersman.ppl.constraints.masks import Packed, has
from steersman.ppl.errors import OutsideSupport
from steersman.ppl.protocols import Floats

from ..errors import ModelError, check_token
from ..language_model import LanguageModel, Prefix
from ..product import ProductText, ProductToken
from ..text import TextDistribution
from ..tokens import TokenDistribution
from ..where import ChosenText, ConditionedText, ConditionedToken, Progress, SteeredText, SteeredToken
from ..where.chosen import ChosenTextProposal


@dataclass(slots=True)
class Row:
    """sum_t weights[t] log q(text[t] given text[:t]), over T tokens; the first may have weight 0 only.

    q is softmax(logits / temperature) on the tokens that masks[t] allows; on all where there is no such mask.
    """

    text: Prefix
    weights: Floats  # [T]
    temperature: float
    masks: dict[int, Packed]

    def led(self, lead: Callable[[Prefix], Prefix]) -> Row:
        """The row of lead(text), which puts k tokens before all that have a weight."""
        text = lead(self.text)
        k = len(text) - len(self.text)
        masks = {at + k: mask for at, mask in self.masks.items()}
        return Row(text, np.concatenate([np.zeros(k), self.weights]), self.temperature, masks)


class _Part(NamedTuple):
    """weight times the sum of log q over the tail. Parts of equal `group` whose tokens agree have equal masks."""

    context: Prefix
    tail: Prefix
    weight: float
    temperature: float
    masks: tuple[Packed, ...] = ()
    group: Hashable = None


def rows_of(owner: LanguageModel, members: Sequence[Any], values: Sequence[Any], weights: Floats) -> list[Row]:
    """The rows of sum_i w_i log q_i(x_i); values of weight 0 are left out. Errors: see `AdaptedLM.gradient`."""
    w = np.asarray(weights, np.float64)
    if not len(members) == len(values) == len(w) or w.ndim != 1:
        raise ValueError(f"gradient: {len(members)} members, {len(values)} values and weights of shape {w.shape}; "
                         "give one of each")
    if not np.isfinite(w).all():
        at = int(np.flatnonzero(~np.isfinite(w))[0])
        raise ValueError(f"gradient: the weight of row {at} is {w[at]}; weights must be finite")
    parts: list[_Part] = []
    for member, value, x in zip(members, values, w.tolist(), strict=True):
        if x != 0.0:
            parts += _parts(owner, member, value, x)
    return _merged(parts)


def _merged(parts: Sequence[_Part]) -> list[Row]:
    """In reverse order a row comes right before those that it begins with."""
    groups: dict[Hashable, list[tuple[Prefix, _Part]]] = {}
    for part in parts:
        groups.setdefault((part.temperature, part.group), []).append((part.context + part.tail, part))
    rows: list[Row] = []
    for same in groups.values():
        row: Row | None = None
        for text, part in sorted(same, key=lambda pair: pair[0], reverse=True):
            if row is None or row.text[: len(text)] != text:
                row = Row(text, np.zeros(len(text)), part.temperature, {})
                rows.append(row)
            begin = len(part.context)
            row.weights[begin : len(text)] += part.weight
            row.masks.update(enumerate(part.masks, begin))
    return [row for row in rows if row.weights.any()]


def _parts(owner: LanguageModel, member: Any, value: Any, weight: float) -> list[_Part]:
    """A measure has the gradient of what it is made of: a constraint adds nothing, a product sums its factors."""
    if isinstance(member, (ProductText, ProductToken)):
        learnt = {id(lm) for lm in member.models if lm.trainable is not None}
        if learnt - {id(owner)}:
            raise _refused(member, "more than one of its models is learnt")
        mine = [(p, a) for p, a in member.factors if p.lm is owner]
        return [part for p, a in mine for part in _parts(owner, p, value, a * weight)]
    if isinstance(member, ChosenTextProposal):
        return _chosen(owner, member.target, value, weight)
    if isinstance(member, ChosenText):
        member = member.text
    if isinstance(member, ConditionedText):
        parts = _parts(owner, member.base, value, weight)
        if parts and -np.inf in member.log_weights(parts[0].tail):
            raise _impossible(member, value)
        return parts
    if isinstance(member, ConditionedToken):
        parts = _parts(owner, member.base, value, weight)
        if not member.where.allows(value):
            raise _impossible(member, value)
        return parts
    if isinstance(member, (TextDistribution, SteeredText)):
        return [_text(owner, member, value, weight)]
    if isinstance(member, (TokenDistribution, SteeredToken)):
        return [_token(owner, member, value, weight)]
    raise _refused(member, "its density is no function of masked logits")


def _chosen(owner: LanguageModel, target: ChosenText, value: Any, weight: float) -> list[_Part]:
    """log q(x) = log f(x) - log sum_s f(s): grad log f(x), less its mean under q over all spellings s."""
    parts = _parts(owner, target, value, weight)
    log_f = ChosenText.log_prob([target] * len(target.spellings), target.spellings)
    for spelling, q in zip(target.spellings, np.exp(log_f - np.logaddexp.reduce(log_f)).tolist(), strict=True):
        if q > 0.0:
            parts += _parts(owner, target, spelling, -weight * q)
    return parts


def _text(owner: LanguageModel, member: TextDistribution | SteeredText, value: Any, weight: float) -> _Part:
    base = member.base if isinstance(member, SteeredText) else member
    if not isinstance(base, TextDistribution):
        raise _refused(member, "its density is no function of masked logits")
    _check_owner(owner, member, base)
    tail = member.spelled(value)
    if tail is None:
        raise _impossible(member, value)
    context, masks, ends = base.context.tokens, [], member.ends
    if ends is None:
        return _Part(context, tail, weight, base.temperature)
    where = ends.start()
    for k, token in enumerate(tail):
        masks.append(_mask(member, where, value, token))
        if k + 1 < len(tail):
            where = where.advance(token)
    return _Part(context, tail, weight, base.temperature, tuple(masks), (ends, len(context)))


def _token(owner: LanguageModel, member: TokenDistribution | SteeredToken, value: Any, weight: float) -> _Part:
    base = member.base if isinstance(member, SteeredToken) else member
    if not isinstance(base, TokenDistribution):
        raise _refused(member, "its density is no function of masked logits")
    _check_owner(owner, member, base)
    if not isinstance(value, (int, np.integer)) or not 0 <= value < owner.vocab_size:
        raise _impossible(member, value)
    context, mask = base.context.tokens, base.mask
    group: Hashable = None
    if isinstance(member, SteeredToken):
        where = member.where
        steered = _mask(member, where, value, int(value))
        begin = len(context) - (where.ends.max_tokens - where.left)
        group = where.ends, begin, None if mask is None else (mask.tobytes(), len(context))
        mask = steered if mask is None else mask & steered
    elif mask is not None:
        group = mask.tobytes(), len(context)
    if mask is not None and not has(mask, int(value)):
        raise _impossible(member, value)
    return _Part(context, (int(value),), weight, base.temperature, () if mask is None else (mask,), group)


def _mask(member: Any, where: Progress, value: Any, token: int) -> Packed:
    if not where.exact:
        raise _refused(member, "its constraint has no exact mask, so that it is drawn by rejection")
    mask = where.mask()
    if not has(mask, token):
        raise _impossible(member, value)
    return mask


def _check_owner(owner: LanguageModel, member: Any, base: TextDistribution | TokenDistribution) -> None:
    if base.lm is not owner:
        raise _refused(member, f"it is of another model than {owner!r}")
    tokens = base.context.tokens
    if tokens:
        check_token(min(tokens), owner.vocab_size)
        check_token(max(tokens), owner.vocab_size)
    elif owner.bos is not None:
        raise _refused(member, "an empty context has no next token: begin it with the beginning-of-text token")


def _refused(member: Any, why: str) -> ModelError:
    return ModelError(f"no gradient of {member!r:.200}: {why}")


def _impossible(member: Any, value: Any) -> OutsideSupport:
    return OutsideSupport(f"no gradient of {member!r:.200} at {value!r:.60}, where its density is 0")
