"""Attribution and flatten over REST."""

import pytest

from ninefold.market.records import Crossed, Equity, Fill, Order, Shared

from .stream import BASE, BTC, chunk, listings


def order(name: str, seq: int) -> Order:
    return Order(
        seq=seq, known_ns=BASE, client_order_id=name, instrument=BTC, side=1, size=1_000, status="sent",
        strategies=("fast", "slow"),
    )  # fmt: skip


def traded(name: str, seq: int) -> Fill:
    return Fill(
        seq=seq, known_ns=BASE, client_order_id=name, instrument=BTC, side=1, price=50_000_00, size=1_000, fee=900,
        fee_asset="BTC", trade_id="t1", exchange_ns=BASE,
    )  # fmt: skip


def test_rows_by_strategy_sum_to_the_account_and_are_worth_their_mid(run):
    async def test(api):
        shared = Shared(seq=2, known_ns=BASE, client_order_id="nf-a", instrument=BTC, wanted={"fast": 1, "slow": 3})
        crossed = Crossed(
            seq=4, known_ns=BASE, instrument=BTC, price=50_000_00, taken={"fast": 100_000, "slow": -100_000}
        )
        equity = Equity(seq=4, known_ns=BASE, quote="USDT", value=1)
        api.view.apply(chunk(2, *listings(), order("nf-a", 2), shared))
        api.view.apply(chunk(3, traded("nf-a", 3), traded("nf-a", 3)))
        assert (await answer(api))["strategies"][0]["worth"] is None, "no quote, and no asset to count in"
        api.view.apply(chunk(4, crossed, equity, quotes=[(BTC, BASE, BASE, 4, 4, 51_000_00, 9, 51_000_00, 9)]))
        found = await answer(api)
        assert found["quote"] == "USDT"
        assert found["adds_up"] is True
        assert found["account"] == {
            "amounts": {"BTC": "0.009991", "USDT": "-500.00"},
            "positions": {"binance:BTC/USDT": "0.009991"},
        }
        assert found["strategies"] == [
            {
                "strategy": "fast",
                "fills": 1,
                "amounts": {"BTC": "0.00349775", "USDT": "-175.00"},
                "fees": {"BTC": "0.00000225"},
                "positions": {"binance:BTC/USDT": "0.00349775"},
                "worth": "3.38525",
            },
            {
                "strategy": "slow",
                "fills": 1,
                "amounts": {"BTC": "0.00649325", "USDT": "-325.00"},
                "fees": {"BTC": "0.00000675"},
                "positions": {"binance:BTC/USDT": "0.00649325"},
                "worth": "6.15575",
            },
        ]

    run(test)


async def answer(api) -> dict:
    return await api.get("/api/v1/attribution")


@pytest.mark.parametrize("instrument", ["", "binance:BTC/USDT"])
def test_flatten_is_taken_at_once(run, instrument):
    async def test(api):
        api.view.apply(chunk(2, *listings()))
        asked = {"by": "web", "instrument": instrument} if instrument else {"by": "web"}
        async with api.http.post(f"{api.url}/api/v1/flatten", json=asked) as taken:
            assert (taken.status, await taken.json()) == (
                202,
                {"accepted": "flatten", "instrument": instrument or None},
            )
        assert api.done == [("flatten", "web", instrument)]

    run(test)


def test_flatten_of_what_nobody_knows_or_by_nobody_is_refused(run):
    async def test(api):
        for asked in ({"by": "web", "instrument": "binance:DOGE/USDT"}, {"by": " "}, {"by": "web", "all": True}):
            async with api.http.post(f"{api.url}/api/v1/flatten", json=asked) as refused:
                assert 400 <= refused.status < 500
        assert api.done == []

    run(test)
