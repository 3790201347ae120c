"""`Judge`: "would this language model say yes", as a reward.

At a prompt c that ends in a question, with p the judge's probability of an answer,

    P(yes) = p(yes | c) / (p(yes | c) + p(no | c)),

which is sigmoid(log p(yes | c) - log p(no | c)): what else the judge might say does not matter. A principle ("cites a
source") is such a question about a text (binary flexible feedback, RLBFF, Wang et al. 2025). Principles multiply, each
to the power of its weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.batched import Failure, OnError

from ..errors import ContextTooLong
from ..language_model import LanguageModel, Prefix
from .principle import Principle
from .reward import Reward

Floats = NDArray[np.float64]
QUESTION = "{text}\n\nQuestion: is it true of the text above that it {principle}? Answer yes or no.\nAnswer:"


class Judge:
    """A language model that is asked yes-or-no questions about texts.

    template: the prompt; {text} and {principle} stand for what is judged and what is asked. yes, no: the answers, each
    one string or several that count together. `agree` and the verdicts of principles of all particles in a round are
    one call of the model.
    """

    def __init__(
        self, lm: LanguageModel, template: str = QUESTION, *, yes: str | Sequence[str] = " yes",
        no: str | Sequence[str] = " no", on_error: OnError = "raise",
    ) -> None:
        if "{text}" not in template:
            raise ValueError(f"the template of a judge must hold {{text}}, where the text goes; got {template!r:.60}")
        self.lm, self.template = lm, template
        self._yes, self._no = _answers(lm, yes, "yes"), _answers(lm, no, "no")
        both = self._yes + self._no
        if any(a == b[: len(a)] for i, a in enumerate(both) for j, b in enumerate(both) if i != j):
            raise ValueError("one answer of the judge begins another (in tokens), so that they are not exclusive")
        self.length = sum(map(len, both))
        """Tokens that are scored for one question."""
        self.agree = Reward(
            self._agree, tokens=lambda text, *principles: self.length * len(_weighed(*principles)), on_error=on_error,
            name="judge",
        )
        """``log_g = await call(judge.agree, text, principles)``: sum_i w_i log P(yes | text, principle i), in nats.
        principles: names, or a mapping from names to weights; none for a template without {principle}."""

    def principle(self, name: str) -> Principle:
        """``await observe(judge.principle("cites a source")(text), True)``: the text satisfies the principle."""
        if "{principle}" not in self.template:
            raise ValueError(f"principle({name!r}): the template of this judge has no {{principle}} to fill in")
        return Principle(self, name)

    def log_odds(self, questions: Sequence[Prefix]) -> Floats:
        """log P(yes) - log P(no) after each question (in tokens, of `question`), [n]; equal ones are asked once."""
        distinct, both = list(dict.fromkeys(questions)), self._yes + self._no
        scores = self.lm.score_sequences([q for q in distinct for _ in both], both * len(distinct))
        log_p = np.array([s.sum() for s in scores]).reshape(len(distinct), len(both))
        yes, no = np.split(log_p, [len(self._yes)], 1)
        with np.errstate(invalid="ignore"):  # NaN, which is refused later, where neither answer is possible
            odds = np.logaddexp.reduce(yes, 1) - np.logaddexp.reduce(no, 1)
        found = dict(zip(distinct, odds.tolist(), strict=True))
        return np.array([found[q] for q in questions])

    def question(self, text: str, principle: str) -> Prefix:
        """The filled-in template in tokens. Raises ContextTooLong where no room is left for an answer."""
        if not principle and "{principle}" in self.template:
            raise ValueError("this judge is asked about a principle: name it, agree(text, ['cites a source'])")
        asked = self.template.replace("{principle}", principle)
        context = self.lm.context(asked.replace("{text}", text))
        most = len(context) + max(map(len, self._yes + self._no))
        if self.lm.max_length is not None and most > self.lm.max_length:
            raise ContextTooLong(most, self.lm.max_length)
        return context.tokens

    def _agree(self, items: list[tuple[Any, ...]]) -> Sequence[float | Failure]:
        asked: list[tuple[int, float, Prefix]] = []
        results: list[float | Failure] = [0.0] * len(items)
        for i, (text, *rest) in enumerate(items):
            try:
                asked += [(i, w, self.question(text, name)) for name, w in _weighed(*rest).items()]
            except (ValueError, TypeError) as error:
                results[i] = Failure(error)
        odds = self.log_odds([question for _, _, question in asked])
        for (i, w, _), gain in zip(asked, (-np.logaddexp(0.0, -odds)).tolist(), strict=True):
            results[i] += w * gain  # what failed was not asked
        return results


def _weighed(principles: Iterable[str] | Mapping[str, float] | str = "") -> dict[str, float]:
    if isinstance(principles, Mapping):
        return dict(principles)
    return dict.fromkeys((principles,) if isinstance(principles, str) else principles, 1.0)


def _answers(lm: LanguageModel, answers: str | Sequence[str], name: str) -> list[Prefix]:
    found = [lm.tokenizer.encode(a) for a in ((answers,) if isinstance(answers, str) else answers)]
    if not found or not all(found):
        raise ValueError(f"{name}={answers!r}: an answer has at least one token")
    return found
