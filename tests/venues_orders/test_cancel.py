"""A cancel through the gateway: done, lost on the way, too late, too early; the venue is asked until it is sure."""

import pytest

from ninefold.venues import binance_client, binance_gateway
from tests.venues_orders.test_gateway import BTC_USDT, NO_SUCH_ORDER, Venue, approved, of, play, until

CANCEL, ORDER = "DELETE /api/v3/order", "GET /api/v3/order"
UNKNOWN = (400, {"code": -2011, "msg": "Unknown order sent."})


def stands(status: str) -> tuple[int, dict[str, object]]:
    return 200, {"orderId": 77, "status": status}


def with_the_order() -> Venue:
    """A venue that has it, and another one, from an earlier run."""
    venue = Venue()
    venue.unsettled = [(approved(name).order, BTC_USDT) for name in ("nf-a", "nf-b")]
    return venue


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(binance_client, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(binance_gateway, "FIRST_WAIT_S", 0.01)


def test_a_cancel_that_the_venue_confirms_is_handed_on_and_nothing_is_asked():
    async def work(venue, gateway, handed):
        venue.answers[CANCEL] = [stands("CANCELED")]
        await gateway.cancel(approved().order, BTC_USDT)
        assert of(handed, "cancel_answer") == [(200, '{"orderId": 77, "status": "CANCELED"}')]
        [(_, sent)] = [each for each in venue.asked if each[0] == CANCEL]
        assert (sent["origClientOrderId"], sent["symbol"]) == ("nf-a", "BTCUSDT")
        assert venue.count(ORDER) == 0

    play(work, with_the_order())


@pytest.mark.parametrize("failure", ["drop", "hang", (503, {}), (400, {"code": -1007, "msg": "Timeout"}), UNKNOWN])
@pytest.mark.parametrize("found", ["CANCELED", "FILLED", "EXPIRED"])
def test_after_any_other_answer_the_venue_is_asked_and_an_order_that_is_over_is_not_cancelled_again(failure, found):
    async def work(venue, gateway, handed):
        venue.answers[CANCEL] = [failure]
        venue.answers[ORDER] = [stands(found)]
        await gateway.cancel(approved().order, BTC_USDT)
        assert [kind for kind, _ in handed] == ["cancel_answer", "order_status", "my_trades"]
        once = 2 if failure == "drop" else 1  # on a dropped socket aiohttp itself repeats what may be repeated
        assert (venue.count(CANCEL), venue.count(ORDER)) == (once, 1)

    play(work, with_the_order())


@pytest.mark.parametrize("still", ["NEW", "PARTIALLY_FILLED"])
def test_an_order_that_is_still_open_is_cancelled_again(still):
    async def work(venue, gateway, handed):
        venue.answers[CANCEL] = ["hang", stands("CANCELED")]
        venue.answers[ORDER] = [stands(still)]
        await gateway.cancel(approved().order, BTC_USDT)
        statuses = [status for status, _ in of(handed, "cancel_answer")]
        assert (statuses[0], statuses[-1]) == (0, 200)

    play(work, with_the_order())


def test_a_cancel_that_overtakes_its_order_waits_until_that_cannot_arrive_any_more(monkeypatch):
    monkeypatch.setattr(binance_gateway, "RECV_WINDOW_MS", 100)
    monkeypatch.setattr(binance_gateway, "AHEAD_MS", 100)

    async def work(venue, gateway, handed):
        venue.answers[CANCEL] = [UNKNOWN, stands("CANCELED")]
        venue.answers[ORDER] = [NO_SUCH_ORDER, stands("NEW")]
        await gateway.cancel(approved().order, BTC_USDT)
        assert [status for status, _ in of(handed, "cancel_answer")] == [400, 200]
        assert of(handed, "order_status") == [(200, '{"orderId": 77, "status": "NEW"}')]

    play(work, with_the_order())


def test_a_cancel_waits_as_long_as_the_venue_has_asked_us_to():
    async def work(venue, gateway, handed):
        venue.headers = {"Retry-After": "1"}
        venue.answers["POST /api/v3/order"] = [(429, {"code": -1003, "msg": "Too many requests."})]
        venue.answers[CANCEL] = [stands("CANCELED")]
        await gateway.send(approved(), BTC_USDT)
        told_ms = venue.now_ms()
        gateway.post_cancel(approved("nf-b").order, BTC_USDT)
        await until(lambda: of(handed, "cancel_answer"))
        assert venue.now_ms() - told_ms > 900

    play(work, with_the_order())


def test_what_was_withheld_is_not_cancelled():
    async def work(venue, gateway, handed):
        gateway.withhold(approved(), BTC_USDT, "no room")
        await gateway.cancel(approved().order, BTC_USDT)
        assert venue.count(CANCEL) == 0

    play(work)
