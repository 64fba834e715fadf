"""What a strategy is, the library of strategies, sizing, foretelling and its scores. Pure."""

from ninefold.strategy.foretell import Foretelling, ReturnQuantiles, foretell, one_bar_returns, recent_returns
from ninefold.strategy.library import default_strategies, library, load_modules
from ninefold.strategy.scoring import Bin, Score, reliability, score
from ninefold.strategy.sizing import desired_position, equal_weights
from ninefold.strategy.strategy import BadStrategy, Strategy, strategy, targets

__all__ = [
    "BadStrategy",
    "Bin",
    "Foretelling",
    "ReturnQuantiles",
    "Score",
    "Strategy",
    "default_strategies",
    "desired_position",
    "equal_weights",
    "foretell",
    "library",
    "load_modules",
    "one_bar_returns",
    "recent_returns",
    "reliability",
    "score",
    "strategy",
    "targets",
]
