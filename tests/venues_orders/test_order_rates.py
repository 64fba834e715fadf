"""Rate limits at the venues of the table: what the documentation allows is never exceeded, by real clients on a simulated clock."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ninefold.market.time import SECOND_NS
from ninefold.venues.account_answers import NOT_SENT
from ninefold.venues.entry_client import EntryClient
from ninefold.venues.limiter import Limit, Limiter
from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.signed import Unsigned
from tests.simulated_loop import SimulatedLoop
from tests.venues_orders.allowed import Arrived, excess
from tests.venues_orders.order_cases import INSTRUMENTS, keys_of, order_of, requests_of

NAMES = sorted(ORDER_ENTRIES)


class Venue:
    """In place of the socket: requests arrive `there_s` after they left and are answered `home_s` later."""

    def __init__(self) -> None:
        self.arrived: Arrived = []
        self.travel: deque[tuple[float, float]] = deque()
        self.headers: dict[str, str] = {}

    def request(self, method: str, url: str, **sent: Any) -> "Under":
        return Under(self, f"{method} /{url.split('?')[0].split('/', 3)[3]}", f"{url}{sent['data']}")


class Under:
    """A request under way."""

    status = 200

    def __init__(self, venue: Venue, name: str, said: str) -> None:
        self.venue, self.name, self.said, self.headers = venue, name, said, venue.headers

    async def __aenter__(self) -> "Under":
        there_s, home_s = self.venue.travel.popleft() if self.venue.travel else (0.0, 0.0)
        await asyncio.sleep(there_s)
        self.venue.arrived.append((asyncio.get_running_loop().time(), self.name, self.said))
        await asyncio.sleep(home_s)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""

    async def text(self) -> str:
        return "{}"


class Unlimited(Limiter):
    """The planted break: as if there were none."""

    def wait_ns(self, costs, now_ns):
        return 0


def now_ns() -> int:
    return round(asyncio.get_running_loop().time() * 1e9)


def client_of(venue: str, at: Venue, limiter: Limiter, fence: Callable[[], None] = lambda: None) -> EntryClient:
    entry = ORDER_ENTRIES[venue]
    made = EntryClient(entry, entry.requests.REST_URL, keys_of(venue), ("", float), now_ns, fence, limiter)
    made._session = at  # type: ignore[assignment]
    return made


def simulate(work: Coroutine[None, None, Any]) -> Any:
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(work)


def sent(client: EntryClient, request: Unsigned) -> Coroutine[None, None, tuple[int, str]]:
    """As a gateway sends it: orders do not wait for ever."""
    name = f"{request.method} {request.path}".lower()
    if "cancel" in name or name.startswith("delete"):
        return client.cancel(request)
    orders = ("create", "addorder", "post /fapi/v1/order", "algoorder", "post /api/v5/trade/order", "brokerage/orders")
    return client.order(request, 2.0) if name.endswith(orders) and not name.startswith("get") else client.ask(request)


Burst = list[tuple[Unsigned, float, tuple[float, float]]]


def arrivals(venue: str, burst: Burst, limiter: Limiter) -> Arrived:
    """Two clients share what is asked, each request so long after the one before."""

    async def work() -> Arrived:
        at = Venue()
        clients = [client_of(venue, at, limiter) for _ in range(2)]
        tasks = []
        for number, (request, pause_s, travel) in enumerate(burst):
            await asyncio.sleep(pause_s)
            at.travel.append(travel)
            tasks.append(asyncio.create_task(sent(clients[number % 2], request)))
        await asyncio.gather(*tasks)
        return at.arrived

    return simulate(work())


def named(venue: str, word: str) -> Unsigned:
    return next(request for name, request in sorted(requests_of(venue).items()) if word in name)


@pytest.mark.slow
@pytest.mark.parametrize("venue", NAMES)
@settings(settings.get_profile("long"), phases=(Phase.generate,))  # what fails takes minutes to make smaller
@given(st.data())
def test_no_stretch_of_time_at_a_venue_holds_more_than_it_allows(venue, data):
    made = sorted(requests_of(venue).items())
    few = data.draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))
    one = st.tuples(
        st.sampled_from([request for _, request in few]),
        st.sampled_from([0.0, 0.0, 0.003, 0.4]),
        st.tuples(st.floats(0, 1.5), st.floats(0, 0.5)),
    )
    burst = data.draw(st.lists(one, min_size=30, max_size=90))
    assert excess(venue, arrivals(venue, burst, Limiter(()))) == []


# What comes first over the limit when so many are sent at once, and how many.
FLOODS = {
    "binanceusdm": ("open orders 0", 61),
    "bybit": ("rights", 11),
    "coinbase": ("balances", 31),
    "kraken": (": cancel", 9),
    "okx": ("balances", 11),
}


@pytest.mark.parametrize("venue", NAMES)
def test_a_client_without_the_limiter_is_found_and_with_it_all_of_them_arrive_in_time(venue):
    word, number = FLOODS[venue]
    late, prompt = (0.9, 0.1), (0.0, 0.1)
    flood: Burst = [(named(venue, word), 0.0, late if n < number - 1 else prompt) for n in range(number)]
    assert excess(venue, arrivals(venue, flood, Unlimited(())))
    arrived = arrivals(venue, flood, Limiter(()))
    assert (len(arrived), excess(venue, arrived)) == (number, [])


@pytest.mark.parametrize("venue", NAMES)
def test_all_that_is_sent_is_counted(venue):
    for name, request in requests_of(venue).items():
        uses = ORDER_ENTRIES[venue].uses(request)
        assert uses, name
        assert all(use.amount > 0 for use in uses), name


def counted(venue: str, word: str) -> list[tuple[str, float, int, int]]:
    uses = ORDER_ENTRIES[venue].uses(named(venue, word))
    return [(use.limit.kind, use.limit.length_ns / SECOND_NS, use.limit.most, use.amount) for use in uses]


def test_what_requests_use_by_the_venues_own_pages():
    assert counted("binanceusdm", "limit buy") == [("orders", 10, 300, 1), ("orders", 60, 1200, 1)]
    assert counted("binanceusdm", "open orders 1") == [("weight", 60, 2400, 40)]
    assert counted("binanceusdm", "fills") == [("weight", 60, 2400, 5)]
    assert counted("bybit", "BTC/USDT limit buy") == [("/v5/order/create spot", 1, 20, 1), ("requests", 5, 600, 1)]
    assert counted("bybit", "BTC/USDT:USDT limit buy")[0] == ("/v5/order/create contracts", 1, 10, 1)
    assert counted("kraken", "limit buy") == [("trading", 58, 58, 1)]
    assert counted("kraken", ": cancel") == [("trading", 58, 58, 8)]
    assert counted("kraken", "fills") == [("calls", 43, 14, 2)]
    assert counted("okx", "BTC/USDT limit buy")[0] == ("POST /api/v5/trade/order BTC-USDT", 2, 60, 1)
    assert counted("okx", "BTC/USDT stop sell: cancel")[0][2:] == (60, 1), "a triggered one is a plain order there"
    assert counted("okx", "balances") == [("GET /api/v5/account/balance", 2, 10, 1)]


def test_a_counter_that_decays_lets_one_through_as_soon_as_it_fell_by_one():
    limits = Limiter([Limit("calls", 30, 3, decays=True)])  # 1 every 10
    for _ in range(3):
        assert limits.wait_ns({"calls": 1}, 0) == 0
        limits.back(limits.leave({"calls": 1}, 0), 5)
    assert limits.wait_ns({"calls": 1}, 5) == 10, "it fades from when it came back"
    assert limits.wait_ns({"calls": 2}, 8) == 17
    assert limits.wait_ns({"calls": 1}, 15) == 0
    assert limits.wait_ns({"calls": 5}, 15) > 0
    assert limits.wait_ns({"calls": 5}, 35) == 0, "dearer than all of it, when nothing else counts"


def orders_of(venue: str, number: int) -> list[Unsigned]:
    entry, instrument = ORDER_ENTRIES[venue], INSTRUMENTS[venue][0]
    order = order_of(instrument, "limit", 1)
    sized = (msgspec.structs.replace(order, size=1_000 * (n + 1)) for n in range(number))
    return [entry.requests.build_order(each, instrument) for each in sized]


def test_orders_leave_in_the_order_in_which_they_came_and_those_that_cannot_in_time_do_not_leave():
    async def work():
        at = Venue()
        client = client_of("bybit", at, Limiter(()))
        asked = orders_of("bybit", 70)
        answers = await asyncio.gather(*(client.order(request, 2.0) for request in asked))
        said = [body for _, _, body in at.arrived]
        sizes = [int(text.split('"qty":"0.')[1].split('"')[0].ljust(4, "0")) for text in said]
        assert sizes == sorted(sizes)
        assert [round(when) for when, _, _ in at.arrived] == [0] * 20 + [1] * 20 + [2] * 20
        assert [status for status, _ in answers[60:]] == [NOT_SENT] * 10
        assert "rate limit leaves no room for another" in answers[-1][1]

    simulate(work())


def test_questions_that_wait_hold_up_neither_orders_nor_cancels():
    async def work():
        at = Venue()
        client = client_of("kraken", at, Limiter(()))
        questions = [asyncio.create_task(client.ask(named("kraken", "balances"))) for _ in range(20)]
        await asyncio.sleep(0.001)
        await client.order(named("kraken", "limit buy"), 2.0)
        await client.cancel(named("kraken", ": cancel"))
        assert [name for when, name, _ in at.arrived if when < 0.01][-2:] == [
            "POST /0/private/AddOrder",
            "POST /0/private/CancelOrder",
        ]
        assert len(at.arrived) == 16, "14 questions"
        await asyncio.gather(*questions)
        assert round(at.arrived[-1][0]) == 18, "the last six, one every 43 / 14 s"

    simulate(work())


def test_who_was_taken_over_while_a_request_waited_sends_it_not():
    async def work():
        at, over = Venue(), []

        def fence() -> None:
            if over:
                raise PermissionError("another executor has the account")

        client = client_of("kraken", at, Limiter(()), fence)
        cancels = [asyncio.create_task(client.cancel(named("kraken", ": cancel"))) for _ in range(8)]
        await asyncio.sleep(1)
        over.append(True)
        results = await asyncio.gather(*cancels, return_exceptions=True)
        assert [type(each) for each in results] == [tuple] * 7 + [PermissionError]
        assert len(at.arrived) == 7

    simulate(work())


def test_what_binance_tells_of_others_at_our_address_leaves_less_room():
    async def work():
        at = Venue()
        at.headers = {"X-MBX-USED-WEIGHT-1M": "2390"}
        client = client_of("binanceusdm", at, Limiter(()))
        await client.ask(named("binanceusdm", "balances"))
        await client.ask(named("binanceusdm", "balances"))
        await client.ask(named("binanceusdm", "open orders 0"))
        assert [round(when) for when, _, _ in at.arrived] == [0, 0, 60]

    simulate(work())
