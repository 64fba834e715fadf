"""The venue's rate limits at the gateway: an order for which there is no room is not sent, and never counted twice."""

from ninefold.market.time import MINUTE_NS
from ninefold.venues.binance_limits import DEFAULTS
from ninefold.venues.limiter import Limiter
from tests.venues_orders.test_gateway import BTC_USDT, PLACED, Venue, approved, of, play

LIMITS = [
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 2},
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1_000},
]


def venue_with(limits: list[dict[str, object]]) -> Venue:
    venue = Venue()
    venue.answers["GET /api/v3/exchangeInfo"] = [(200, {"rateLimits": limits})]
    venue.answers["POST /api/v3/order"] = [(200, PLACED)]
    venue.answers["DELETE /api/v3/order"] = [(200, {"orderId": 77, "status": "CANCELED"})]
    return venue


def test_an_order_beyond_the_limit_that_the_venue_told_is_withheld_and_a_cancel_is_not():
    async def work(venue, gateway, handed):
        for name in ("nf-a", "nf-b", "nf-c"):
            await gateway.send(approved(name), BTC_USDT)
        assert venue.count("POST /api/v3/order") == 2
        status, reason = of(handed, "order_answer")[2]
        assert (status, "rate limit leaves no room" in reason) == (-1, True)
        await gateway.cancel(approved("nf-a").order, BTC_USDT)
        assert venue.count("DELETE /api/v3/order") == 1

    play(work, venue_with(LIMITS))


def test_what_others_at_our_address_use_leaves_that_much_less_room():
    async def work(venue, gateway, handed):
        venue.headers = {"X-MBX-USED-WEIGHT-1M": "1000", "X-MBX-ORDER-COUNT-10S": "1"}
        await gateway.send(approved("nf-a"), BTC_USDT)
        await gateway.send(approved("nf-b"), BTC_USDT)
        assert venue.count("POST /api/v3/order") == 1
        assert "rate limit leaves no room" in of(handed, "order_answer")[1][1]

    play(work, venue_with(LIMITS))


def test_callers_of_one_process_share_one_limiter():
    limiter = Limiter(DEFAULTS)
    limiter.leave({"weight": 5_990}, 0)  # what the market data side has asked
    assert limiter.wait_ns({"weight": 20}, 1) == MINUTE_NS
    assert limiter.wait_ns({"weight": 4}, 1) == 0
