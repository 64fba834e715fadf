"""How often the venues of the table of order entries let signed requests come, and what each of ours uses of that.

In:  requests. Out: for each the limits that count it, and how much of them it uses. Limits are those of an account that has
     traded nothing yet, the lowest that the venue names; `kind` is who shares one.

After these pages, read 2026-11-30:
binanceusdm: developers.binance.com/docs/derivatives/usds-margined-futures, the weight on the page of each request; how much in
    all: binance.com/en/support/faq "Rate Limits on Binance Futures" (2,400 a minute by address, 1,200 orders a minute, 300 in
    10 s). "New Algo Order" names no count of orders; it counts as one here.
bybit: bybit-exchange.github.io/docs/v5/rate-limit (unified account), by account and path in any second; 600 in 5 s by address.
okx: www.okx.com/docs-v5/en, "Rate Limits" and the page of each request: by account, or by account and instrument, in 2 s.
kraken: docs.kraken.com "Spot REST Rate Limits" (Starter: 15, less 0.33 a second, in steps "every couple of seconds") and "Spot
    Trading Limits" (60 by pair, less 1 a second; rejected when it is reached). One less each for the steps. A cancel is counted
    as the dearest, within 5 s of its order, and names no pair: so all pairs have one counter.
coinbase: 30 private requests a second by user is told of docs.cdp.coinbase.com/advanced-trade/docs/rest-api-rate-limits by
    others, the page itself was not to be had; ccxt waits 34 ms (29 a second), which is stricter. 10,000 an hour by key:
    docs.cdp.coinbase.com/coinbase-app/api-architecture/rate-limiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.venues.limiter import Limit
from ninefold.venues.signed import Unsigned


class Use(msgspec.Struct, frozen=True):
    limit: Limit
    amount: int = 1


Uses = Callable[[Unsigned], Sequence[Use]]

USDM_WEIGHT = Limit("weight", MINUTE_NS, 2_400)  # the market data's too: both come from one address
USDM_ORDERS = (Limit("orders", 10 * SECOND_NS, 300), Limit("orders", MINUTE_NS, 1_200))
USDM_NEW = (("POST", "/fapi/v1/order"), ("POST", "/fapi/v1/algoOrder"))
USDM_WEIGHTS = {  # of questions about all symbols; what is not here weighs 1
    "/fapi/v1/openOrders": 40,
    "/fapi/v1/openAlgoOrders": 40,
    "/fapi/v1/userTrades": 5,
    "/fapi/v3/balance": 5,
}
BYBIT_ADDRESS = Limit("requests", 5 * SECOND_NS, 600)  # the market data's too
BYBIT_ORDERS = ("/v5/order/create", "/v5/order/cancel")
BYBIT_OTHERS = {"/v5/user/query-api": 10}  # in a second; other questions 50
OKX_NS = 2 * SECOND_NS
OKX_ACCOUNT = Limit("new orders", OKX_NS, 1_000)
OKX_BY_INSTRUMENT = {
    ("POST", "/api/v5/trade/order"): 60,
    ("POST", "/api/v5/trade/cancel-order"): 60,
    ("POST", "/api/v5/trade/order-algo"): 20,
    ("POST", "/api/v5/trade/cancel-algos"): 20,
    ("GET", "/api/v5/trade/order"): 60,
}
OKX_BY_ACCOUNT = {
    "/api/v5/trade/orders-pending": 60,
    "/api/v5/trade/fills": 60,
    "/api/v5/trade/orders-history": 40,
    "/api/v5/trade/order-algo": 20,
    "/api/v5/trade/orders-algo-pending": 20,
    "/api/v5/account/balance": 10,
    "/api/v5/account/config": 5,
}
KRAKEN_TRADING = Limit("trading", 58 * SECOND_NS, 58, decays=True)
KRAKEN_CALLS = Limit("calls", 43 * SECOND_NS, 14, decays=True)
KRAKEN_TRADES = {"/0/private/AddOrder": 1, "/0/private/CancelOrder": 8}
KRAKEN_HISTORY = "/0/private/TradesHistory"
COINBASE = (Limit("signed", SECOND_NS, 29), Limit("signed", 60 * MINUTE_NS, 10_000))


def uses_binanceusdm(request: Unsigned) -> Sequence[Use]:
    if (request.method, request.path) in USDM_NEW:
        return tuple(Use(limit) for limit in USDM_ORDERS)
    return (Use(USDM_WEIGHT, USDM_WEIGHTS.get(request.path, 1)),)


def uses_bybit(request: Unsigned) -> Sequence[Use]:
    """Spot has a limit of its own for orders and for cancels; the contracts share the lower one."""
    kind, most = request.path, BYBIT_OTHERS.get(request.path, 50)
    if request.path in BYBIT_ORDERS:
        spot = _said(request, "category") == "spot"
        kind, most = f"{request.path} {'spot' if spot else 'contracts'}", 20 if spot else 10
    return (Use(Limit(kind, SECOND_NS, most)), Use(BYBIT_ADDRESS))


def uses_okx(request: Unsigned) -> Sequence[Use]:
    """A path that is not listed has the lowest of all limits."""
    name = f"{request.method} {request.path}"
    most = OKX_BY_INSTRUMENT.get((request.method, request.path))
    if most is None:
        return (Use(Limit(name, OKX_NS, OKX_BY_ACCOUNT.get(request.path, min(OKX_BY_ACCOUNT.values())))),)
    own = Use(Limit(f"{name} {_said(request, 'instId')}", OKX_NS, most))
    return (own, Use(OKX_ACCOUNT)) if name == "POST /api/v5/trade/order" else (own,)


def uses_kraken(request: Unsigned) -> Sequence[Use]:
    if request.path in KRAKEN_TRADES:
        return (Use(KRAKEN_TRADING, KRAKEN_TRADES[request.path]),)
    return (Use(KRAKEN_CALLS, 2 if request.path == KRAKEN_HISTORY else 1),)


def uses_coinbase(request: Unsigned) -> Sequence[Use]:
    return tuple(Use(limit) for limit in COINBASE)


def uses_nothing(request: Unsigned) -> Sequence[Use]:
    """Through ccxt, which keeps the pace of each of its exchanges itself."""
    return ()


def _said(request: Unsigned, name: str) -> str:
    """What a request says of itself, in its body (or the only row of it) or its query."""
    body = request.body
    row = body[0] if isinstance(body, Sequence) and not isinstance(body, str) and body else body
    found = row.get(name) if isinstance(row, Mapping) else request.query.get(name)
    return str(found)
