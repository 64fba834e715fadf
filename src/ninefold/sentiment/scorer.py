"""Turn the text of a headline into a number.

In:  plain text, any length.
Out: a score in [-1, +1]: how good the text is for the holder of what it speaks of; 0.0 says nothing either way.

Our scorer is VADER with the words and phrases of `lexicon`. Before VADER reads the text, every phrase becomes one word,
and a burden that grows or shrinks becomes one word too, because VADER adds words up and would call "fees plunge" bad.
Another scorer is one more line in `SCORERS`.
"""

import re
from collections.abc import Callable
from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from ninefold.sentiment.lexicon import BURDENS, GROWS, PHRASES, SHRINKS, WORDS

Scorer = Callable[[str], float]

RELIEF, STRAIN = "burdenshrinks", "burdengrows"
BURDEN_VALENCE = 1.7  # about that of a plain rise or fall
MERGED_WORDS_AT_MOST = 3
REACH = 2  # "fees to plunge": the verb may stand this many words after its burden


def score(text: str) -> float:
    """Score `text` with our scorer.

    >>> score("Gas fees plunge") > 0 > score("Gas fees soar")
    True
    """
    return crypto_score(text)


def crypto_score(text: str) -> float:
    """VADER with our lexicon, phrases and burdens."""
    words = merge_burdens(merge_phrases(text.split()))
    return compound(crypto_analyzer(), " ".join(words))


def plain_score(text: str) -> float:
    """VADER as published (Hutto and Gilbert 2014): the measure that our lexicon has to beat."""
    return compound(plain_analyzer(), text)


SCORERS: dict[str, Scorer] = {"crypto": crypto_score, "vader": plain_score}


def compound(analyzer: SentimentIntensityAnalyzer, text: str) -> float:
    return float(analyzer.polarity_scores(text)["compound"])


@cache
def plain_analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


@cache
def crypto_analyzer() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    for valence, words in WORDS.items():
        analyzer.lexicon.update(dict.fromkeys(words.split(), valence))
    for valence, phrases in PHRASES.items():
        analyzer.lexicon.update({joined(phrase): valence for phrase in split(phrases)})
    analyzer.lexicon.update({RELIEF: BURDEN_VALENCE, STRAIN: -BURDEN_VALENCE})
    return analyzer


def merge_phrases(words: list[str]) -> list[str]:
    """Replace each known phrase by one word, the longest first, keeping the punctuation that follows it."""
    known = phrase_table()
    merged: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(MERGED_WORDS_AT_MOST, len(words) - at), 1, -1):
            phrase = " ".join(bare(word) for word in words[at : at + length])
            if phrase in known:
                merged.append(known[phrase] + tail(words[at + length - 1]))
                at += length
                break
        else:
            merged.append(words[at])
            at += 1
    return merged


def merge_burdens(words: list[str]) -> list[str]:
    """Replace a burden and its verb by the word for relief or strain: "fees to plunge" -> "the to burdenshrinks"."""
    merged = list(words)
    for at in range(len(words)):
        if burden_ends_at(words, at):
            verb = next((near for near in verb_places(words, at) if bare(merged[near]) in MOVES), None)
            if verb is not None:
                merged[at] = neutral(words[at])
                merged[verb] = MOVES[bare(merged[verb])] + tail(words[verb])
    return merged


def verb_places(words: list[str], noun: int) -> list[int]:
    """Where the verb of a burden may stand: soon after it in the same clause, else straight before ("falling fees")."""
    after = []
    for near in range(noun + 1, min(noun + 1 + REACH, len(words))):
        if tail(words[near - 1]):
            break
        after.append(near)
    before = [noun - 1] if noun >= 1 else []
    if noun >= 2 and bare(words[noun - 1]) == "in":
        before.append(noun - 2)
    return after + before


def burden_ends_at(words: list[str], at: int) -> bool:
    return bare(words[at]) in BURDEN_NOUNS or (at > 0 and f"{bare(words[at - 1])} {bare(words[at])}" in BURDEN_NOUNS)


def neutral(word: str) -> str:
    """A burden says nothing by itself once its movement is known; VADER must not count it again."""
    return f"the{tail(word)}" if bare(word) in BURDEN_NOUNS else word


def bare(word: str) -> str:
    return word.lower().strip("\"'`.,:;!?()[]")


def tail(word: str) -> str:
    """The punctuation at the end of a word, which ends a clause for us and stresses it for VADER."""
    found = re.search(r"[.,:;!?]+$", word)
    return found.group() if found else ""


def split(listed: str) -> list[str]:
    return [entry.strip() for entry in listed.split(",")]


def joined(phrase: str) -> str:
    return phrase.replace(" ", "_")


@cache
def phrase_table() -> dict[str, str]:
    return {phrase: joined(phrase) for phrases in PHRASES.values() for phrase in split(phrases)}


BURDEN_NOUNS = frozenset(split(BURDENS))
MOVES = dict.fromkeys(split(SHRINKS), RELIEF) | dict.fromkeys(split(GROWS), STRAIN)
