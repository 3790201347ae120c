"""The syllables of an English word, by its spelling."""

from __future__ import annotations

import re
from functools import lru_cache

_VOWELS = re.compile(r"[aeiouyàáâäãèéêëìíîïòóôöùúûü]+")
_SILENT_E = re.compile(r"(?:[^aeiouyl]|[aeiouyrlw]l|[aeiouy])e$")
_SILENT_ED = re.compile(r"[^td]ed$")
_SILENT_ES = re.compile(r"(?:[^aeiouyscxzg]|[^csaeiouyt]h)es$")
_TWO = re.compile(  # vowels side by side that belong to two syllables
    r"ia(?!r?ge|n$|ns$|l$|ls$|lly$)|io(?!n|us)|iu|ie(?=t|r$|rs$|rn|nt|nc)|(?<!q)u(?:a(?=l|r|t|ti)|e(?=l|t|n)|i(?=t[ysi]|n[gs]?$))|eo(?!us|p|n$)"
    r"|[aeiou]ing$|ya|yo(?=n)|oe(?=t|m)|ea(?=t(?:e|i|or)|l[is])|[aeo]i?y(?=[ei]r?)"
)
_KNOWN = {
    "the": 1, "every": 2, "everything": 3, "everyone": 3, "everybody": 4, "everywhere": 3, "evening": 2, "evenings": 2,
    "people": 2, "being": 2, "science": 2, "quiet": 2, "quietly": 3, "poem": 2, "poems": 2, "something": 2,
    "sometimes": 2, "someone": 2, "somewhere": 2, "somebody": 3, "business": 2, "colonel": 2, "area": 3, "idea": 3,
    "ideas": 3, "real": 2, "really": 2, "create": 2, "created": 3, "once": 1, "one": 1, "are": 1, "were": 1, "eye": 1,
    "eyes": 1, "lie": 1, "pie": 1, "ocean": 2, "diamond": 2, "lion": 2, "lions": 2, "violin": 3, "radio": 3,
    "piano": 3, "hour": 1, "our": 1, "fire": 1, "flower": 2, "chocolate": 3, "vegetable": 4, "different": 3,
    "wednesday": 2, "lovely": 2, "safely": 2, "homework": 2, "careful": 2, "carefully": 3, "forever": 3,
    "therefore": 2, "whenever": 3, "however": 3, "anyone": 3, "recipe": 3, "giant": 2, "dying": 2, "lying": 2,
    "trying": 2, "crying": 2, "flying": 2, "playing": 2, "saying": 2, "seeing": 2, "going": 2, "doing": 2, "cruel": 2,
    "fuel": 2, "poet": 2, "usually": 4, "beautiful": 3, "beauty": 2, "animal": 3, "family": 3, "memory": 3,
    "naked": 2, "wicked": 2, "sacred": 2, "hundred": 2, "kindred": 2, "friend": 1, "friends": 1, "ancient": 2,
    "patient": 2, "society": 4, "anxiety": 4, "variety": 4, "maybe": 2, "apple": 2, "rhythm": 2, "prism": 2,
    "little": 2, "toes": 1, "shoes": 1, "goes": 1, "does": 1, "whole": 1, "camera": 3, "cafe": 2, "mm": 1,
}
_JOINED = re.compile(r"^(?:fire|snow|moon|some|care|hope|home|time|life|wave|place|lone|love|side|grace|use|peace|shame|"
                     r"stone|tire|wire|safe|false|close|nice|large|strange|sure|like|bare|rare|brave|pale|late)"
                     r"(?=ly$|ful|less|ness|some|ment|time|work|side|place|man$|men$|flies$|fly$|where|land|light|stone)")


@lru_cache(maxsize=4096)
def syllables_of(word: str) -> int:
    """At least 1, also where there is no vowel. Numbers in digits count one a digit."""
    word = word.lower()
    if word.isdigit():
        return len(word)
    if (known := _KNOWN.get(word)) is not None:
        return known
    extra = 0
    if (first := _JOINED.match(word)) is not None:  # an e that is silent inside: "home-less"
        return syllables_of(first[0]) + syllables_of(word[first.end():])
    count = len(_VOWELS.findall(word)) + extra
    if _SILENT_E.search(word) and not word.endswith(("ee", "oe", "ye", "ie", "ue")) and count > 1:
        count -= 1
    elif (_SILENT_ED.search(word) or _SILENT_ES.search(word)) and not re.search(r"[aeiouy][aeiouy]ed$|[^aeiouyl]l(?:ed|es)$|[aeiouy]e[ds]$", word) and count > 1:
        count -= 1
    count += len(_TWO.findall(word))
    if re.search(r"[^aeiouy](?:sm|thm)s?$", word) or re.search(r"(?:ism|asm)s?$", word):
        count += 1
    if word.endswith(("n't", "nt")) and False:
        count += 1
    return max(1, count)
