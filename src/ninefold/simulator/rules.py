"""exchangeInfo: the trading rules of every symbol.

In:  instruments. Out: JSON objects.
Fields: developers.binance.com, "General endpoints: Exchange information" and "Filters" (rest-api.md, filters.md),
read 2026-11-22.
"""

from typing import Any

from ninefold.simulator.instruments import Instrument
from ninefold.simulator.limits import RATE_LIMITS
from ninefold.simulator.orders import MOST_E8, MOST_OPEN_ORDERS, MOST_PRICE_E8
from ninefold.simulator.stops import MOST_STOPS, types_of
from ninefold.simulator.texts import text_of


def exchange_info(instruments: list[Instrument], now_ms: int) -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": [symbol_info(each) for each in instruments],
    }


def symbol_info(instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": types_of(instrument),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, lot = text_of(instrument.price_step_e8), text_of(instrument.size_step_e8)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": text_of(MOST_PRICE_E8), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": text_of(MOST_E8), "stepSize": lot},
        {
            "filterType": "NOTIONAL",
            "minNotional": text_of(instrument.min_notional_e8),
            "applyMinToMarket": True,
            "maxNotional": text_of(MOST_E8),
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MOST_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": MOST_STOPS},
    ]
