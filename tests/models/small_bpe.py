"""A real byte-level BPE of 300 tokens, trained here, and a bigram table over it: tokenization as models have it, yet
every posterior can be summed.

Token 0 ends a text and has no bytes; 1 to 256 are the single bytes, the others merges of these. Most words can be
spelled in several ways, of which `encode` gives one.
"""

from __future__ import annotations

from functools import cache

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from steersman.models import HuggingFaceTokenizer, TableLM

SIZE = 300
SENTENCES = [
    "Once upon a time there was a little cat who lived in a red house.",
    "The cat and the dog sat on the mat, and then the cat ran home.",
    '{"name": "Ann", "age": 12, "tags": ["cat", "red"], "true": null}',
    '{"name": "Bob", "age": 21, "tags": [], "false": true}',
    "12 + 21 = 33, 100 - 12 = 88, (1 + 2) * 3 = 9",
    "\"Yes,\" said Ann. \"No,\" said Bob. \"The café is closed,\" said the cat.",
]


@cache
def small_bpe() -> HuggingFaceTokenizer:
    """The tokenizer, trained once in a process; the same in every process."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=["<eos>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    bpe.train_from_iterator(SENTENCES, trainer)
    return HuggingFaceTokenizer(PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<eos>"), SIZE)


def small_bpe_lm(seed: int = 0, scale: float = 1.0) -> TableLM:
    """A bigram table over it, logits from Normal(0, scale); every token can follow every other."""
    return TableLM.random(SIZE, seed=seed, scale=scale, tokenizer=small_bpe())
