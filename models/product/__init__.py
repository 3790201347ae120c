"""Products of powers of language models, of their texts and of their next-token distributions."""

from .lm import ProductLM
from .text import ProductText
from .token import ProductToken

__all__ = ["ProductLM", "ProductText", "ProductToken"]
