"""What the venues of the table allow by their documentation, once more and by hand; it knows nothing of what clients count by.

In:  when requests arrived at a venue. Out: which of its limits they exceeded, in words. The pages: venues/order_rates.py.
"""

from collections.abc import Callable

Arrived = list[tuple[float, str, str]]  # when, method with path, and all that was said
Cost = Callable[[str, str], int]


def paths(*names: str, saying: str = "") -> Cost:
    return lambda name, said: int(name in names and saying in said)


# By venue: what is counted, in how many seconds, how much of it may be.
WINDOWS: dict[str, list[tuple[Cost, float, int]]] = {
    "binanceusdm": [
        (paths("POST /fapi/v1/order", "POST /fapi/v1/algoOrder"), 10, 300),
        (paths("POST /fapi/v1/order", "POST /fapi/v1/algoOrder"), 60, 1_200),
        (lambda name, _: 40 if "Orders" in name else 5 if "Trades" in name or "balance" in name else 0, 60, 2_400),
    ],
    "bybit": [
        (paths("POST /v5/order/create", saying='"spot"'), 1, 20),
        (paths("POST /v5/order/create", saying='"linear"'), 1, 10),
        (paths("POST /v5/order/create", saying='"inverse"'), 1, 10),
        (paths("POST /v5/order/cancel", saying='"spot"'), 1, 20),
        (paths("POST /v5/order/cancel", saying='"linear"'), 1, 10),
        (paths("GET /v5/order/realtime"), 1, 50),
        (paths("GET /v5/order/history"), 1, 50),
        (paths("GET /v5/execution/list"), 1, 50),
        (paths("GET /v5/account/wallet-balance"), 1, 50),
        (paths("GET /v5/user/query-api"), 1, 10),
        (lambda name, _: 1, 5, 600),
    ],
    "coinbase": [(lambda name, _: 1, 1, 30), (lambda name, _: 1, 3_600, 10_000)],
    "kraken": [],
    "okx": [
        *((paths(f"POST /api/v5/trade/{what}", saying='"BTC-USDT"'), 2, 60) for what in ("order", "cancel-order")),
        *((paths(f"POST /api/v5/trade/{what}", saying='"BTC-USDT-SWAP"'), 2, 60) for what in ("order", "cancel-order")),
        *((paths(f"POST /api/v5/trade/{what}", saying='"BTC-USDT"'), 2, 20) for what in ("order-algo", "cancel-algos")),
        (paths("GET /api/v5/trade/order", saying="BTC-USDT&"), 2, 60),
        (paths("GET /api/v5/trade/orders-pending"), 2, 60),
        (paths("GET /api/v5/trade/fills"), 2, 60),
        (paths("GET /api/v5/trade/orders-history"), 2, 40),
        (paths("GET /api/v5/trade/order-algo"), 2, 20),
        (paths("GET /api/v5/trade/orders-algo-pending"), 2, 20),
        (paths("GET /api/v5/account/balance"), 2, 10),
        (paths("GET /api/v5/account/config"), 2, 5),
    ],
}
# Kraken's counters: what adds to them, what they lose in a second, what they may reach (60 is "rejected").
COUNTERS: list[tuple[Cost, float, int]] = [
    (lambda name, _: 1 if name.endswith("AddOrder") else 8 if name.endswith("CancelOrder") else 0, 1.0, 59),
    (lambda name, _: 0 if name.endswith("Order") else 2 if name.endswith("TradesHistory") else 1, 0.33, 15),
]


def excess(venue: str, arrived: Arrived) -> list[str]:
    """What was exceeded, in words."""
    found = []
    for number, (cost, length_s, most) in enumerate(WINDOWS[venue]):
        counted = [(round(at * 1e9), cost(name, said)) for at, name, said in sorted(arrived)]  # clocks count nanoseconds
        first = sum_ = 0
        for at, amount in counted:
            sum_ += amount
            while counted[first][0] <= at - round(length_s * 1e9):
                sum_ -= counted[first][1]
                first += 1
            if sum_ > most:
                found.append(f"limit {number}: {sum_} in {length_s} s, {most} are allowed")
    for cost, a_second, most in COUNTERS if venue == "kraken" else ():
        level, last = 0.0, 0.0
        for at, name, said in sorted(arrived):
            level, last = max(0.0, level - a_second * (at - last)) + cost(name, said), at
            if level > most:
                found.append(f"a counter at {level}, {most} is allowed")
    return found
