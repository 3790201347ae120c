"""Prompt intersection: one continuation that fits two prompts at once (a product of experts).

Every token is drawn after the first prompt and observed after the second, so the target is proportional to
p(text | first) p(text | second). Expect places where a dog runs and a child is sent: "park."
"""

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel
from steersman.ppl import condition, observe, program, sample


@program
async def fits_both(lm: LanguageModel, first: str, second: str, max_tokens: int = 20) -> str:
    """A continuation that ends its sentence."""
    a, b = lm.context(first), lm.context(second)
    start = len(str(a))
    for _ in range(max_tokens):
        token = await sample(lm.next(a), "token")
        await observe(lm.next(b), token)
        a, b = a + token, b + token
        if token in lm.eos or str(a).endswith((".", "!", "?")):
            break
    text = str(a)[start:]
    await condition(text.endswith((".", "!", "?")), "a whole sentence")
    return text


FIRST, SECOND = "The little dog ran to the", "Mom said it was time to go to the"


def main() -> None:
    print(infer(fits_both(models.load(), FIRST, SECOND), SMC(64), seed=1).summary(5))


if __name__ == "__main__":
    main()
