"""Several instruments on one account, on trades, by the command: one trial, one report, a row an instrument."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ninefold.cli import main
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.backtest_wanted import BadBacktest
from ninefold.services.ticks_sweep import sweep_ticks
from ninefold.services.ticks_together import backtest_ticks_together
from ninefold.strategy import BadStrategy
from tests.services.test_backtest_ticks import LEAVES, NAME, asked, mine, store, trades
from tests.services.test_research import quietly
from tests.services.test_ticks_margin import paid, short

__all__ = ["mine", "short"]

A = ((0, 40, 1, "buy"), (2, 40, 1, "buy"), (6, 44, 1, "buy"), (11, 45, 1, "buy"))
B = ((1, 10, 1, "buy"), (3, 10.5, 1, "buy"), (7, 11, 1, "buy"))


@pytest.fixture
def files(mine: Path) -> tuple[Path, Path]:
    text = mine.read_text() + "\n\nclass AlwaysLong(Strategy):\n    def on_trade(self, *_):\n        return 1\n"
    mine.write_text(text + '\n\nclass Up(Strategy):\n    target = "where(close > 0, 1, 0)"\n')
    return trades(mine.parent / "a.parquet", *A), trades(mine.parent / "b.parquet", *B)


def both(mine: Path, files: tuple[Path, Path], strategy: str, **more: object) -> WantedTicks:
    given = {
        "file": files[0],
        "more_files": (str(files[1]),),
        "cash": "100",
        "timeframe": "5s",
        "feed_ns": 0,
        "order_ns": 0,
    }
    return asked(mine, strategy, **given, **more)


def test_two_files_share_one_cash_and_are_one_trial(
    mine: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    data_dir = mine.parent / "data"
    said = [
        "--trades",
        str(files[0]),
        "--trades",
        str(files[1]),
        "--strategies",
        str(mine),
        "--strategy",
        "always_long",
    ]
    terms = ["--cash", "100", "--size", "2", "--taker-fee", "0", "--timeframe", "5s", "--data-dir", str(data_dir)]
    monkeypatch.setattr("sys.argv", ["ninefold", "backtest-ticks", *said, *terms, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = json.loads(capfdbinary.readouterr().out)
    # two of a at 40; what is left of 100 pays for one of b, at 10.5 (in whole lots): at the end 9.5 + 2 * 45 + 11
    assert (ended.value.code, told["trial"], told["ticks"], told["equity"]) == (0, 1, 7, 110.5)
    held = [(one["instrument"], one["entry_price"], one["size"]) for one in told["open_trades"]]
    assert held == [(str(files[0]), 40, 2), (str(files[1]), 10.5, 1)]
    rows = told["instruments"]
    assert [(one["equity"], one["ticks"], one["trades"]) for one in rows] == [(110, 4, 0), (100.5, 3, 0)]
    # bars of 5 s: b is at 10.5 and 11, and quiet at its last price in the third
    assert told["equity_curve"] == [100, 108.5, 110.5] and told["bars"] == 3
    assert told["portfolio"]["instruments"] == 2
    again = rerun(data_dir, 1)
    assert (again["identical"], again["differs"], again["kind"]) == (True, [], "backtest-ticks-together")
    monkeypatch.setattr("sys.argv", ["ninefold", "backtest-ticks", *said, *terms])
    with pytest.raises(SystemExit):
        main()
    assert "2 instruments, worth" in capfdbinary.readouterr().out.decode()


def test_a_target_is_played_as_free_code_that_says_the_same_and_without_a_size_each_has_its_part(
    mine: Path, files: tuple[Path, Path]
) -> None:
    target, code = (
        backtest_ticks_together(both(mine, files, name, size=None, each="trade"), 1) for name in ("up", "always_long")
    )
    assert target["equity_curve"] == code["equity_curve"]
    # half of 100 each: one of a at 40, and of b what 50 pays for at the price of its decision, 10: 5 at 10.5
    assert [one["size"] for one in target["open_trades"]] == [1, 5]
    assert target["buy_and_hold"]["equity"] > 100
    one, other = (
        backtest_ticks(replace(both(mine, files, "up", each="trade"), file=file, more_files=()), 2) for file in files
    )
    rich = backtest_ticks_together(replace(both(mine, files, "up", each="trade"), cash="1000"), 3)
    alone = [one["net_profit"], other["net_profit"]]
    assert [row["equity"] - 1000 for row in rich["instruments"]] == pytest.approx(
        alone
    )  # with money enough, as if alone
    assert rich["net_profit"] == pytest.approx(sum(alone))


def test_exits_leave_each_instrument_by_itself(mine: Path) -> None:
    mine.write_text(mine.read_text() + LEAVES)
    paths = [
        trades(mine.parent / f"{name}.parquet", *((second, price, 1, "buy") for second, price in enumerate(prices)))
        for name, prices in {"a": [10, 11, 12, 10.5, 10.6, 11], "b": [10, 11, 12, 12.5, 13, 13.5]}.items()
    ]
    told = backtest_ticks_together(both(mine, (paths[0], paths[1]), "guarded", each="trade"), 1)
    # both bought at 12; a touches 10.8 at 10.5 and is left at 10.6, b goes on
    assert [(one["instrument"], one["exit_price"]) for one in told["trades"]] == [(str(paths[0]), 10.6)]
    assert [one["instrument"] for one in told["open_trades"]] == [str(paths[1])]
    assert rerun(mine.parent / "data", told["trial"])["identical"]


def test_perpetuals_share_their_margin_and_pay_their_own_funding(short: Path) -> None:
    paths = (
        trades(short.parent / "a.parquet", *((second, 100, 1, "buy") for second in range(6))),
        trades(short.parent / "b.parquet", *((second, 50, 1, "buy") for second in range(6))),
    )
    first, second = paid(short.parent / "f.parquet", (3, 0.01)), paid(short.parent / "g.parquet", (3, -0.02))
    wanted = both(short, paths, "always_short", short=True, leverage="2", funding=first, more_funding=(second,))
    told = backtest_ticks_together(wanted, 1)
    # two of each short are worth 300, twice the cash of 150: 100 carry a, and nothing of b
    assert [one["size"] for one in told["open_trades"]] == [-2]
    assert told["funding"] == -2 and rerun(short.parent / "data", told["trial"])["identical"]
    enough = backtest_ticks_together(replace(wanted, cash="150"), 2)
    assert [one["size"] for one in enough["open_trades"]] == [-2, -2]
    assert [one["funding"] for one in enough["instruments"]] == [-2, 2] and enough["equity"] == 150
    with pytest.raises(BadBacktest, match="2 instruments and 1 files of funding; give --funding once for each"):
        backtest_ticks_together(replace(wanted, more_funding=()), 3)


def test_quotes_on_two_stored_books_share_one_cash_and_are_one_trial(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    data_dir, names = mine.parent / "data", [NAME, NAME.replace("BTC", "ETH")]
    store(data_dir, bases=("BTC", "ETH"))
    said = ["--strategies", str(mine), "--strategy", "quote_both_sides", "--timeframe", "1s", "--maker-fee", "0.001"]
    where = [word for name in names for word in ("--instrument", name)]
    monkeypatch.setattr(
        "sys.argv", ["ninefold", "backtest-ticks", *said, *where, "--data-dir", str(data_dir), "--json"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    told = json.loads(capfdbinary.readouterr().out)
    given = {"timeframe": "1s", "maker_fee": "0.001", "taker_fee": "0.001", "size": None}
    alone = [backtest_ticks(asked(mine, "quote_both_sides", instrument=name, **given), 2) for name in names]
    # of the same books, with money enough, each does what it does alone
    assert (ended.value.code, told["trial"], told["ticks"], told["events"]) == (0, 1, 20, 60)
    for name in ("fills", "asked", "fees", "net_profit"):
        assert told[name] == pytest.approx(sum(one[name] for one in alone)) and told[name]
    assert [one["equity"] for one in told["instruments"]] == [pytest.approx(one["equity"]) for one in alone]
    held = [(row["instrument"], row["entry_time"], row["size"], row["pnl"]) for row in told["open_trades"]]
    each = zip(names, (one["open_trade"] for one in alone), strict=True)
    assert held == [(name, one["entry_time"], one["size"], one["pnl"]) for name, one in each]
    again = rerun(data_dir, told["trial"])
    assert (again["identical"], again["differs"]) == (True, [])
    code = asked(mine, "both_at_once", instrument=names[0], more_instruments=(names[1],), **given)
    (mine.parent / "code.py").write_text(CODE)
    by_code = backtest_ticks_together(replace(code, strategies=mine.parent / "code.py"), 3)
    assert by_code["fills"] > 0 and rerun(data_dir, by_code["trial"])["identical"]
    poor = backtest_ticks_together(
        asked(
            mine,
            "quote_both_sides",
            instrument=names[0],
            more_instruments=(names[1],),
            leverage="2",
            cash="0.3",
            **given,
        ),
        4,
    )
    assert 0 < poor["fills"] < told["fills"]


CODE = """
from ninefold.strategy import Quote, Strategy

class BothAtOnce(Strategy):
    "Quotes at the best prices, less the more it holds."

    most = 0.05

    def on_book(self, book):
        return Quote(book.bid, max(0.004 - max(book.position, 0) / 10, 0), book.ask, 0.002)
"""


def test_what_several_cannot_have_is_refused(mine: Path, files: tuple[Path, Path]) -> None:
    with pytest.raises(BadStrategy, match=r"quotes, and .*a\.parquet has no book; give --instrument"):
        backtest_ticks_together(both(mine, files, "quote_both_sides"), 1)
    with pytest.raises(BadBacktest, match="is given twice; each instrument once"):
        backtest_ticks_together(replace(both(mine, files, "up"), more_files=(str(files[0]),)), 1)
    with pytest.raises(BadBacktest, match="on several instruments a strategy plays; name one"):
        backtest_ticks_together(replace(both(mine, files, "up"), strategy=None), 1)
    with pytest.raises(BadBacktest, match="played by `ninefold backtest-ticks` alone"):
        sweep_ticks(both(mine, files, "up"), 1, quietly)
