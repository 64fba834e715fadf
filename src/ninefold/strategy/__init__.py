"""What a strategy is, the library of strategies, sizing, foretelling and its scores. Pure."""

from ninefold.strategy.foretell import Foretelling, ReturnQuantiles, foretell, one_bar_returns, recent_returns
from ninefold.strategy.forms import Book, Legs, Quote, Quoting
from ninefold.strategy.library import default_strategies, library, load_modules, strategy_named
from ninefold.strategy.parameters import BadStrategy, Parameter, real, whole
from ninefold.strategy.plan import NEVER, Bar, Exits, Plan, Signals, check_live, plan, targets
from ninefold.strategy.scoring import Bin, Score, reliability, score
from ninefold.strategy.sizing import desired_position, equal_weights
from ninefold.strategy.strategy import Strategy, parameters_of, plan_of

__all__ = [
    "NEVER",
    "BadStrategy",
    "Bar",
    "Bin",
    "Book",
    "Exits",
    "Foretelling",
    "Legs",
    "Parameter",
    "Plan",
    "Quote",
    "Quoting",
    "ReturnQuantiles",
    "Score",
    "Signals",
    "Strategy",
    "check_live",
    "default_strategies",
    "desired_position",
    "equal_weights",
    "foretell",
    "library",
    "load_modules",
    "one_bar_returns",
    "parameters_of",
    "plan",
    "plan_of",
    "real",
    "recent_returns",
    "reliability",
    "score",
    "strategy_named",
    "targets",
    "whole",
]
