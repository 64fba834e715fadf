"""The command `ninefold`: finds the module of a command and hands the arguments on.

In:  sys.argv. Out: an exit status. Each command is a module in `commands` with a function `run`; only the one that is
     called is imported,
     so `ninefold halt` does not wait for libraries it does not need.
"""

from __future__ import annotations

import difflib
import gc
import importlib
import importlib.util
import keyword
import sys
from pathlib import Path
from types import ModuleType

import ninefold

COMMANDS = {
    "demo": "start a simulated exchange, all services against it, and the charts",
    "simulate": "the simulated exchange alone, with a plan of faults, to rehearse a strategy against it",
    "up": "record and trade on real venues, on paper unless told otherwise",
    "init": "write a commented ninefold.toml",
    "doctor": "check clock, disk, ports, keys and venues, and say what to do",
    "service": "run one of the nine services (or serve) alone over NATS",
    "collect": "with --check VENUE: connect to a venue and say what comes",
    "replay": "play a journal or a recording through the pipeline",
    "parity": "does a run decide the same again? every difference, and why",
    "explain": "why an order was sent or refused, decided again from what was stored, and what came of it",
    "export": "write stored trades, bars, targets, orders or fills as csv, parquet or jsonl",
    "sql": "ask the stored tables with SQL",
    "verify": "check that journal, tables and ledger are whole and say the same",
    "rebuild": "make the tables again from the stream log",
    "import": "read trades and bars from databases and files of other programs",
    "download": "history from a venue and its archive: bars and trades of a range",
    "backup": "copy a data dir, also while a pipeline runs; only what is new",
    "publish": "the same tables on S3-compatible storage, for engines elsewhere; only what is new",
    "restore": "put a backup into a new data dir and verify it",
    "retain": "let go what is kept beyond its limits",
    "certify": "how complete each hour of each instrument is, and why",
    "venues": "the venues that have an adapter, and what each can do",
    "backtest": "what a strategy would have made of past bars, and how likely that is luck",
    "freqtrade": "backtesting: a freqtrade strategy's file, unchanged, by freqtrade's rules",
    "leak-check": "whether a strategy looks ahead: found where it reads the bars, with the line",
    "backtest-ticks": "the same trade by trade: two means of the price, orders that take their time",
    "sweep": "back-test every combination of settings, and what the best is worth",
    "rerun": "run a counted trial again: the same result, to the bit",
    "walk-forward": "fit on the past, act on what comes, go on: a result out of sample",
    "cross-validate": "judge each part of the time by what the rest chose, purged and embargoed",
    "recursive-check": "which values of a strategy change when less history is loaded",
    "tournament": "every strategy of the library on one market, and what the best is worth",
    "holdout": "seal the newest bars against research, and count who looks at them",
    "train": "train the forecast model on stored bars",
    "order": "ask for an order by hand: market, limit, stop, bracket, TWAP",
    "cancel": "take back an order, wherever it is",
    "halt": "stop all orders at once",
    "flatten": "sell what is held, at once",
    "resume": "allow orders again",
    "status": "what runs, what is stored, what is halted",
}
SEVERAL = {  # options that take several values
    "collect": ("--pairs",),
    "freqtrade": ("--pairs", "-p", "--bars"),
    "download": ("--pairs", "-p", "--timeframe", "--timeframes", "-t"),
}
RESEARCH = ("backtest", "sweep", "walk-forward", "cross-validate", "tournament", "rerun", "recursive-check")
OWN_CODE = "--strategies"  # what people write themselves may hand frames to the libraries that research loads without
FRAMES = ("freqtrade", "leak-check")  # whose strategies do too
LIBRARIES = ("talib.abstract",)  # that research would load while it runs
EXTRAS = {"freqtrade": "pandas"}  # what a command needs that only its extra brings
OVER_NATS = ("service",)  # nine of it may run, most of which speak nothing but NATS
HIDDEN = ("hot", "cold")  # the two processes that demo and up start, with --config FILE and nothing else


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(help_text())
        return
    if arguments[0] in ("--version", "version"):
        print(ninefold.__version__)
        return
    name = arguments[0]
    if name not in COMMANDS and name not in HIDDEN:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean `ninefold {near[0]}`?" if near else ""
        sys.exit(f"there is no command {name!r}{hint} `ninefold --help` lists them.")
    if name in EXTRAS and importlib.util.find_spec(EXTRAS[name]) is None:
        sys.exit(f'ninefold {name} needs {EXTRAS[name]}, which is not installed: pip install "ninefold[{name}]"')
    if name in HIDDEN:  # no person calls them, so nothing has to be explained, and typer need not be loaded
        if len(arguments) != 3 or arguments[1] != "--config":
            sys.exit(f"ninefold {name} takes --config FILE alone; it is started by `ninefold demo` and `ninefold up`.")
        _loaded(name, arguments).run(Path(arguments[2]))
        return
    typer = importlib.import_module("typer")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, help=COMMANDS.get(name))(_loaded(name, arguments).run)
    command = typer.main.get_command(app)
    importlib.import_module("ninefold.commands.plain_values").read_plainly(command)
    command(args=spread(arguments[1:], "--tape", *SEVERAL.get(name, ())), prog_name=f"ninefold {name}")


def _loaded(name: str, arguments: list[str]) -> ModuleType:
    """Nothing of what is loaded is garbage: looking for some meanwhile took a sixth of the time, and at the end, when Python looks
    through all there is, half a second."""
    gc.disable()
    try:
        return _load(name, arguments)
    finally:
        gc.freeze()
        gc.enable()


def _load(name: str, arguments: list[str]) -> ModuleType:
    module = f"ninefold.commands.{_module(name)}"
    if name in FRAMES or OWN_CODE in arguments:
        return importlib.import_module(module)
    lean = importlib.import_module("ninefold.services.lean")
    if name in OVER_NATS:
        lean.load_nats()
    if name in RESEARCH:
        lean.keep_freed()
    loaded: ModuleType = lean.load(module, *(LIBRARIES if name in RESEARCH else ()))
    return loaded


def _module(command: str) -> str:
    """walk-forward is in walk_forward; a command that Python has a keyword for in a module with a trailing underscore."""
    return f"{command}_" if keyword.iskeyword(command) else command.replace("-", "_")


def spread(arguments: list[str], *options: str) -> list[str]:
    """Let options take several values: `--tape a b` becomes `--tape a --tape b`.

    >>> spread(["--tape", "a", "b", "--json"], "--tape")
    ['--tape', 'a', '--tape', 'b', '--json']
    """
    made: list[str] = []
    taking = ""
    for argument in arguments:
        if argument in options:
            taking = argument
        elif argument.startswith("-"):
            taking = ""
            made.append(argument)
        else:
            made += [taking, argument] if taking else [argument]
    return made


def help_text() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {text}" for name, text in COMMANDS.items()]
    title = "ninefold: records crypto markets, learns from them and trades on them"
    return "\n".join([title, "", "usage: ninefold COMMAND ...", "", *lines, "", "`ninefold COMMAND --help` says more."])
