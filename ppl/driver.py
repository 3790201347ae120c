"""The one driver operation: every backend is a policy over `advance`."""

from __future__ import annotations

from collections.abc import Sequence

from .answer import answer_calls, answer_completed, answer_draws, answer_retraced, answer_scores
from .errors import BudgetExhausted
from .keys import Key
from .meter import Meter
from .particle import Particle
from .requests import CALL, COMPLETE, DRAW, RETRACE, Choose, Collected, Groups, Pause, Recall, Request, Stop, charge


def advance(
    particles: Sequence[Particle],
    key: Key,
    *,
    choose: Choose | None = None,
    recall: Recall | None = None,
    stop: Stop | None = None,
    pause: Pause | None = None,
    meter: Meter | None = None,
) -> None:
    """Run every particle to its next stopping effect, in batched lockstep rounds; particles change in place.

    choose: ``choose(particle) -> (fixed?, value)``, asked at every sample site; a fixed value is scored, not drawn,
    and the weight gains its log p. recall: ``recall(particle) -> Site | None``, asked before it, answers from the
    record of an execution with the same past, at no cost. stop: ``stop(particle, effect)``, asked after an effect is
    answered, so a barrier is inclusive; None runs to the end. pause: leave a particle before a draw (enumeration).
    meter: what is charged; raises BudgetExhausted before the round that it cannot pay for.

    Without `choose` the log-weight gains factors and observations, plus log p - log q where a proposal drew.
    """
    request = Request(particles, key, choose=choose, recall=recall, stop=stop, pause=pause, meter=meter)
    while request.live:
        play_round([request])
    if request.error is not None:
        raise request.error


def play_round(requests: Sequence[Request]) -> None:
    """One round: take the one pending effect of every live particle of every request, answer equals together."""
    groups: Groups = {}
    ledgers: dict[int, tuple[Meter | None, list[Request], Collected]] = {}
    for request in requests:
        _, members, collected = ledgers.setdefault(id(request.meter), (request.meter, [], []))
        members.append(request)
        collected += request.collect()
    for meter, members, collected in ledgers.values():
        if meter is not None and collected:  # requests of one run share their calls, and pay for them together
            try:
                charge(meter, collected)
            except BudgetExhausted as error:
                for request in members:
                    request.refuse(error)
                continue
        for group, item in collected:
            groups.setdefault(group, []).append(item)
    for (op, subject, _), items in groups.items():
        if op == CALL:
            answer_calls(subject, items)
        elif op == DRAW:
            answer_draws(subject, items)
        elif op == RETRACE:
            answer_retraced(subject, items)
        elif op == COMPLETE:
            answer_completed(subject, items)
        else:
            answer_scores(subject, items)
    for request in requests:
        request.settle()
