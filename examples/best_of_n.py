"""The best of eight story endings, three ways that have one law.

The reward of an ending is how many different letters it has, which ties often. `BestOf(8)` keeps the best of eight.
With 256 draws it weighs each by its chance to be the best of eight of them: the same law with less noise. The fourth
row has that law as a target, the model's own endings times the factor of the best of eight, whose quantiles come from
other draws of the model; the last has p F^7, the target of variational best-of-N. Both are programs like any other, so
that conditions may be added and any method run them; here it is importance sampling. Expect nearly the same mean reward
in the last three rows, far above the model's: ties make p F^7 a little less greedy.
"""

from rich.console import Console
from rich.table import Table

from steersman import models
from steersman.inference import BestOf, Importance, Posterior, infer
from steersman.models import LanguageModel, Quantile, Reward, tilted
from steersman.models.rewards import best_of_n_kl
from steersman.ppl import program, sample

STORY = "One day, Lily found a magic hat. She put it on and"
N = 8


def letters(text: str) -> float:
    return float(len({c for c in text.lower() if c.isalpha()}))


REWARD = Reward(lambda items: [letters(text) for (text,) in items], name="letters")


@program
async def ending(lm: LanguageModel) -> str:
    return str(await sample(lm.text(STORY, stop=(".", "!"), max_tokens=20), "ending"))


def ways(lm: LanguageModel, draws: int = 256) -> dict[str, Posterior]:
    """The model's endings, and their best of eight in four ways."""
    reference = infer(ending(lm), Importance(draws), seed=1)
    F = Quantile(REWARD.scores(reference.values))
    method = Importance(draws)
    return {
        "the model": reference,
        f"best of {N}": infer(tilted(ending(lm), REWARD), BestOf(N), seed=2),
        f"best of {N} of {draws}": infer(tilted(ending(lm), REWARD), BestOf(N, draws=draws), seed=3),
        "tilted by its law": infer(tilted(ending(lm), REWARD.map(F.best_of(N))), method, seed=4),
        f"tilted by F^{N - 1}": infer(tilted(ending(lm), REWARD.map(F.surrogate(N))), method, seed=5),
    }


def main() -> None:
    found = ways(models.load())
    table = Table("endings", "mean reward", "effective", "a likely one", title=STORY + " ...")
    for name, posterior in found.items():
        table.add_row(name, f"{posterior.expectation(letters):.2f}", f"{posterior.ess:.0f}", posterior.mode().strip())
    Console().print(table)
    print(f"KL of the best of {N} from the model: at most {best_of_n_kl(N):.2f} nats")


if __name__ == "__main__":
    main()
