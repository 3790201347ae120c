"""The best of eight, distilled into low-rank updates: one draw that comes half the way to the best of eight.

The target is p F^7, F the quantile of a reward among the model's own endings (as in `best_of_n`). A LoRA guide is
fitted to it by its own draws, which is variational best-of-N (Amini et al. 2025); `iwelbo` in place of the ELBO,
because an ending with fewer letters than all reference draws has F = 0. Afterwards the guide is judged by what it
costs to correct it: importance sampling from it has the law of the target, whatever the fit came to. Expect a mean
reward about two letters above the model's, for one draw each. So short a fit is noisy: from seed to seed it
gives about as many effective draws as the model does, or up to half as many again.
"""

from __future__ import annotations

from examples.best_of_n import REWARD, STORY, N, ending, letters
from steersman import models
from steersman.inference import Importance, infer
from steersman.inference.variational import Fit, Guide, fit, iwelbo
from steersman.models import LanguageModel, LoRA, Quantile, tilted
from steersman.ppl import program, sample
from steersman.ppl.effects import Invocation


@program
async def guess(lm: LanguageModel) -> None:
    await sample(imitated(lm), "ending")


@program
async def imitated(lm: LanguageModel) -> str:
    return str(await sample(lm.text(STORY, stop=(".", "!"), max_tokens=20), "ending"))


def distil(lm: LanguageModel, steps: int, draws: int) -> tuple[Invocation[str], Guide, Fit]:
    """The target, the guide, and how its fit went."""
    reference = infer(ending(lm), Importance(512), seed=1)
    F = Quantile(REWARD.scores(reference.values))
    target = tilted(ending(lm), REWARD.map(F.surrogate(N)))
    adapted = lm.adapted(LoRA(4), name="best of eight")
    guide = Guide(guess(adapted), adapted)
    return target, guide, fit(target, guide, objective=iwelbo(4), steps=steps, draws=draws, optimiser=1e-3)


def main(steps: int = 60, draws: int = 16) -> None:
    lm = models.load()
    target, guide, found = distil(lm, steps, draws)
    plain = infer(ending(lm), Importance(256), seed=2)
    blind = infer(target, Importance(256), seed=2)
    taught = infer(target, Importance(256, proposal=guide), seed=2)
    own = [letters(v) for v in taught.values if v is not None]
    print(f"{found!r}")
    print(f"mean reward: the model {plain.expectation(letters):.2f}, the guide's own draws {sum(own) / len(own):.2f}, "
          f"the target {taught.expectation(letters):.2f}")
    print(f"effective draws of 256 for the target: {blind.ess:.0f} from the model, {taught.ess:.0f} from the guide")


if __name__ == "__main__":
    main()
