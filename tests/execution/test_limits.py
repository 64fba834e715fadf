"""The limits of the risk gate, worked by hand: what is refused with which words, and what passes at the limit itself."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from ninefold.execution.limits.tail import var_and_cvar
from ninefold.execution.returns import Returns
from ninefold.execution.risk import check
from ninefold.execution.worth import DRAWDOWN, Worth
from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BARS
from ninefold.market.records import Equity, Flatten, Halted, Order
from ninefold.market.time import DAY_NS, MINUTE_NS, SECOND_NS

from .world import NOW, ONE, World

ETH_QUOTE = (2, NOW, NOW, 1, 1, 1_999_00, 9, 2_000_00, 9)
KRAKEN_QUOTE = (3, NOW, NOW, 1, 1, 50_999_00, 9, 51_000_00, 9)
DOWN_THEN_UP = [100, 99]


def ruled(world: World, **rules: object) -> None:
    world.rules = msgspec.structs.replace(world.rules, **rules)


def limit(world: World, price: int, kind: str = "limit") -> Order:
    return msgspec.structs.replace(world.order(), order_type=kind, price=price)


def holds(world: World, **amounts: int) -> None:
    """Amounts of base in hundredths: btc, eth, kraken's btc."""
    numbers = {"btc": 1, "eth": 2, "kraken": 3}
    world.positions = {numbers[name]: amount * ONE // 100 for name, amount in amounts.items()}
    world.quotes += [ETH_QUOTE, KRAKEN_QUOTE]


def banded(world: World) -> None:
    world.listing["price_band"] = ("0.2", "1.0000001", "0.9", "5")


def seen(closes: list[int]) -> list[int]:
    """Of 101 bars."""
    return [closes[at % len(closes)] for at in range(101)]


# What is refused. The order is 0.01 BTC at 49,999 to 50,000: 500 USDT.
REASONS: dict[str, Callable[[World], object]] = {
    "exposure per instrument: binance:BTC/USDT would be 1000 USDT, 999 USDT allowed": lambda world: (
        ruled(world, max_instrument=999 * ONE, max_position=600 * ONE * 9),
        world.pending.update({1: (ONE // 100, 0)}),
    ),
    "exposure per instrument: binance:BTC/USDT would be 1500 USDT": lambda world: (  # a sale under way may never come
        ruled(world, max_instrument=999 * ONE, max_position=10**20),
        holds(world, btc=2),
        world.pending.update({1: (0, ONE // 100)}),
    ),
    "exposure per venue: binance would be 900 USDT, 899 USDT allowed": lambda world: (
        ruled(world, max_venue=899 * ONE),
        holds(world, eth=20, kraken=50),
    ),
    "total exposure: what is held would be 1410 USDT, 1409 USDT allowed": lambda world: (
        ruled(world, max_total=1_409 * ONE),
        holds(world, eth=20, kraken=1),
    ),
    "price unknown: the total exposure of what is held needs a price of it in USDT": lambda world: (
        ruled(world, max_total=10**20),
        holds(world, eth=20),
        setattr(world, "quotes", world.quotes[:1]),
    ),
    "strategy capital: nobody's order would be 500 USDT, 499 USDT allowed": lambda world: ruled(
        world, max_strategy=499 * ONE
    ),
    "strategy capital: slow would be 700 USDT, 699 USDT allowed": lambda world: (
        ruled(world, max_strategy=699 * ONE),
        setattr(world, "wanted", {"nf-a": {"fast": 400_000, "slow": 600_000}}),
        holds(world, eth=20),
        setattr(world, "held", {"slow": {2: 20_000_000}, "fast": {1: 100_000}}),
    ),
    "price band of ours: 50000.00 USDT is asked, at most 49999.94 allowed": lambda world: (  # a spread of 2 bps
        ruled(world, price_band_ppm=9)
    ),
    "price band of binance: 50000.00 USDT is asked, at most 49999.50 allowed": banded,
    "clock skew: our clock is 2.1 s ahead of that of binance, 2.0 s allowed": lambda world: (
        ruled(world, max_skew_ns=2 * SECOND_NS),
        setattr(world, "skew_ns", 2_100_000_000),
    ),
    "clock skew: our clock is -2.1 s ahead": lambda world: (
        ruled(world, max_skew_ns=2 * SECOND_NS),
        setattr(world, "skew_ns", -2_100_000_000),
    ),
    "clock skew: binance has not told its time": lambda world: (
        ruled(world, max_skew_ns=2 * SECOND_NS),
        setattr(world, "skew_ns", None),
    ),
    "daily loss: 5.10 % of the worth at the day's beginning, 5.00 % allowed": lambda world: (
        ruled(world, max_daily_loss_ppm=50_000),
        setattr(world, "equity", [1_000 * ONE, 1_200 * ONE, 949 * ONE]),
    ),
    "daily loss: the worth of the account in USDT is not known yet": lambda world: (
        ruled(world, max_daily_loss_ppm=50_000),
        setattr(world, "equity", []),
    ),
    "daily loss: the account holds BNB, which has no price in USDT; name its pair in venue.pairs": lambda world: (
        ruled(world, max_daily_loss_ppm=50_000),
        setattr(world, "equity", [1_000 * ONE, None]),
        world.balances.update(BNB=1),
    ),
    "drawdown: worth fell 20.92 % from its highest, 20.00 % allowed": lambda world: (
        ruled(world, max_drawdown_ppm=200_000),
        setattr(world, "equity", [1_000 * ONE, 1_200 * ONE, 949 * ONE]),
    ),
    "drawdown: the worth of the account": lambda world: (
        ruled(world, max_drawdown_ppm=200_000),
        setattr(world, "equity", [None]),
    ),
    "VaR: history unknown: 99 bars of 1m of all that is held, 100 needed": lambda world: (
        ruled(world, max_var=10**20),
        setattr(world, "closes", {1: [100] * 100}),
    ),
    "CVaR: history unknown: 0 bars": lambda world: ruled(world, max_cvar=10**20),
    "CVaR: the book would be 5 USDT, 4.99 USDT allowed": lambda world: (  # 500 USDT, 50 of 100 bars lose 1 %
        ruled(world, max_cvar=499_000_000),
        setattr(world, "closes", {1: seen(DOWN_THEN_UP)}),
    ),
    "flatten: ada wants binance:BTC/USDT sold; `ninefold resume` lets it be bought again": lambda world: (
        world.flattened.update({"binance:BTC/USDT": Flatten(seq=1, known_ns=1, by="ada")})
    ),
    "flatten: bob wants": lambda world: world.flattened.update({"": Flatten(seq=1, known_ns=1, by="bob")}),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_limit_refuses_what_grows_and_says_what_was_found_and_what_is_allowed(reason):
    world = World()
    REASONS[reason](world)
    approved, refused = check(world.state(), [world.order()])
    assert approved == []
    assert reason in refused[0].reason


SIZES = [reason for reason in REASONS if "price band" not in reason]


@pytest.mark.parametrize("reason", SIZES)
def test_what_makes_a_position_smaller_passes_all_of_them(reason):
    world = World()
    REASONS[reason](world)
    world.side = -1
    world.positions = {**world.positions, 1: 3_000_000}
    world.balances["BTC"] = 3_000_000
    assert [each.order for each in check(world.state(), [world.order()])[0]] == [world.order()]


# What passes: the limit itself, by the same numbers.
AT_THE_LIMIT: dict[str, Callable[[World], object]] = {
    "instrument": lambda world: (
        ruled(world, max_instrument=1_000 * ONE, max_position=10**20),
        world.pending.update({1: (ONE // 100, 0)}),
    ),
    "venue": lambda world: (ruled(world, max_venue=900 * ONE), holds(world, eth=20, kraken=50)),
    "total": lambda world: (ruled(world, max_total=1_410 * ONE), holds(world, eth=20, kraken=1)),
    "strategy": lambda world: (
        ruled(world, max_strategy=700 * ONE),
        setattr(world, "wanted", {"nf-a": {"fast": 400_000, "slow": 600_000}}),
        holds(world, eth=20),
        setattr(world, "held", {"slow": {2: 20_000_000}}),
    ),
    "band": lambda world: ruled(world, price_band_ppm=11),
    "skew": lambda world: (ruled(world, max_skew_ns=2), setattr(world, "skew_ns", -2)),
    "loss": lambda world: (
        ruled(world, max_daily_loss_ppm=51_000, max_drawdown_ppm=210_000),
        setattr(world, "equity", [1_000 * ONE, 1_200 * ONE, 949 * ONE]),
    ),
    "tail": lambda world: (
        ruled(world, max_var=5 * ONE, max_cvar=5 * ONE),
        setattr(world, "closes", {1: seen(DOWN_THEN_UP)}),
    ),
    "flatten of another": lambda world: world.flattened.update(x=Flatten(seq=1, known_ns=1, by="ada")),
}


@pytest.mark.parametrize("limit", AT_THE_LIMIT)
def test_the_limit_itself_is_allowed(limit):
    world = World()
    AT_THE_LIMIT[limit](world)
    assert check(world.state(), [world.order()])[1] == []


def test_limits_count_what_was_approved_before_at_the_same_tick():
    world = World(wanted={"nf-a": {"fast": ONE // 100}, "nf-b": {"fast": ONE // 100}})
    ruled(world, max_strategy=999 * ONE, max_position=10**20)
    approved, refused = check(world.state(), [world.order("nf-a"), world.order("nf-b")])
    assert [each.order.client_order_id for each in approved] == ["nf-a"]
    assert refused[0].reason == "strategy capital: fast would be 1000 USDT, 999 USDT allowed"


def test_what_is_on_order_for_a_strategy_counts_as_held():
    world = World(wanted={"nf-a": {"fast": ONE // 100}}, parts={("fast", 2): (25_000_000, 0)})
    world.quotes += [ETH_QUOTE]
    ruled(world, max_strategy=999 * ONE)
    [refused] = check(world.state(), [world.order()])[1]
    assert refused.reason == "strategy capital: fast would be 1000 USDT, 999 USDT allowed"


def test_a_full_minute_holds_up_no_sale_of_what_is_held():
    """A stop or a flatten must not wait for its turn."""
    minute = [NOW - 1] * 3
    sale = World(side=-1, positions={1: 1_500_000}, balances={"USDT": 0, "BTC": 3_000_000}, sent_ns=minute)
    assert check(sale.state(), [sale.order()])[1] == []
    purchase = World(sent_ns=minute)
    assert check(purchase.state(), [purchase.order()])[1][0].reason.startswith("order rate")


def test_two_sales_that_together_are_more_than_the_position_do_not_pass_as_making_it_smaller():
    world = World(side=-1, positions={1: 1_500_000}, balances={"USDT": 0, "BTC": 3_000_000})
    ruled(world, max_position=1)
    approved, refused = check(world.state(), [world.order("nf-a"), world.order("nf-b")])
    assert len(approved) == 1
    assert refused[0].reason.startswith("order size") or refused[0].reason.startswith("position limit")


def test_a_band_of_ours_is_about_prices_that_are_worse_for_us_and_a_venues_about_both():
    world = World()
    ruled(world, price_band_ppm=50_000)  # mid 49,999.50: buys up to 52,499.47, sells down to 47,499.53
    assert check(world.state(), [limit(world, 52_499_47)])[1] == []
    assert check(world.state(), [limit(world, 1_00)])[1][0].reason.startswith("min notional")
    assert "at most 52499.47" in check(world.state(), [limit(world, 52_499_48)])[1][0].reason
    banded(world)
    assert "at least 9999.90" in check(world.state(), [limit(world, 9_999_89)])[1][0].reason
    stop = msgspec.structs.replace(world.order(), order_type="stop", trigger=60_000_00)
    world.listing["price_band"] = None
    assert check(world.state(), [stop])[1] == []


def test_the_kill_switch_lets_through_what_sells_out_and_nothing_else():
    world = World(side=-1, positions={1: 1_000_000}, balances={"BTC": 1_000_000, "USDT": 0})
    world.halted = Halted(seq=1, known_ns=1, by="ada", reason="")
    out = msgspec.structs.replace(world.order(), reduce_only=True, strategies=("flatten",))
    assert len(check(world.state(), [out])[0]) == 1
    for other in (msgspec.structs.replace(out, reduce_only=False), msgspec.structs.replace(out, strategies=("a",))):
        assert check(world.state(), [other])[1][0].reason.startswith("kill switch")
    world.positions = {}
    assert check(world.state(), [out])[1][0].reason.startswith("kill switch")


def test_a_book_loses_what_it_lost_in_the_same_bars_together():
    """100 of A and 100 of B: that fall together lose twice as much in the worst bars, that fall in turn half of that."""
    fell, stood = -0.01, 0.0
    together = np.array([[fell, fell]] * 5 + [[stood, stood]] * 95)
    in_turn = np.array([[fell, -fell]] * 5 + [[stood, stood]] * 95)
    assert var_and_cvar(together, np.array([100 * ONE, 100 * ONE])) == (2 * ONE, 2 * ONE)
    assert var_and_cvar(in_turn, np.array([100 * ONE, 100 * ONE])) == (0, 0)
    assert var_and_cvar(in_turn, np.array([100 * ONE, -100 * ONE])) == (2 * ONE, 2 * ONE)
    uneven = np.array([[-0.05], [-0.04], [-0.03], [-0.02], [-0.01]] + [[0.0]] * 95)
    assert var_and_cvar(uneven, np.array([100 * ONE])) == (ONE, 3 * ONE)


@pytest.mark.slow
def test_returns_are_of_bars_that_follow_each_other_and_memory_is_bounded():
    def bars(*values: tuple[int, int, int]) -> np.ndarray:
        made = np.zeros(len(values), BARS)
        made["instrument"], made["width_ns"] = 1, MINUTE_NS
        for row, (minute, close, state) in zip(made, values, strict=True):
            row["close_ns"], row["close"], row["state"] = minute * MINUTE_NS, close, state
        return made

    returns = Returns({MINUTE_NS})
    returns.fold(bars((1, 100, BAR_OK), (2, 110, BAR_OK), (3, 0, BAR_UNKNOWN), (4, 120, BAR_OK), (5, 60, BAR_OK)))
    assert returns.of(1, MINUTE_NS) == pytest.approx([0.1, -0.5])
    returns.fold(bars((7, 60, BAR_OK), (6, 30, BAR_OK)))  # a hole, and one that comes too late
    assert len(returns.of(1, MINUTE_NS)) == 2
    returns.fold(bars(*((minute, 60, BAR_OK) for minute in range(8, 3_000))))
    assert len(returns.of(1, MINUTE_NS)) == 1_000
    assert Returns().of(1, MINUTE_NS) == []


def equity(at_ns: int, value: int | None) -> Equity:
    return Equity(seq=1, known_ns=at_ns, quote="USDT", value=value)


def test_the_days_first_known_worth_is_what_its_loss_is_measured_by():
    worth = Worth()
    for at_ns, value in ((1, 100), (2, 80), (DAY_NS, None), (DAY_NS + 1, 90), (DAY_NS + 2, 81)):
        worth.see(equity(at_ns, value))
    assert (worth.day_first, worth.highest, worth.now) == (90, 100, 81)
    assert worth.lost_ppm(worth.day_first) == 100_000
    worth.see(equity(DAY_NS + 3, None))
    assert worth.lost_ppm(worth.day_first) is None


def test_only_a_resume_after_a_fall_measures_the_next_one_anew():
    worth = Worth()
    for value in (100, 70):
        worth.see(equity(1, value))
    assert worth.fell_too_far(200_000) == "worth fell 30.00 % from its highest, 20.00 % allowed"
    worth.resumed(Halted(seq=1, known_ns=1, by="ada", reason="lunch"))
    assert worth.highest == 100
    worth.resumed(Halted(seq=1, known_ns=1, by=DRAWDOWN, reason="fell"))
    assert (worth.highest, worth.fell_too_far(200_000)) == (70, "")
