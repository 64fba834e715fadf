"""Hyperliquid, read after hyperliquid.gitbook.io/hyperliquid-docs, "Websocket", "Subscriptions" (trades, l2Book, bbo,
activeAssetCtx) and "Post requests", 2026-11-22.

In:  frames of those channels.
Out: see ../reading.py. Symbols are coins; trade ids that do not count are shown in hexadecimal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

from ..reading import ASK, BID, Best, Clear, Deal, Level, Reading, Told

TELL_NOTHING = ("subscriptionResponse", "pong", "post", "activeAssetCtx", "activeSpotAssetCtx")


class HyperliquidReading(Reading):
    venue = "hyperliquid"
    recordings = ("orderbook/hyperliquid_btcusd_20250126.jsonl.gz",)
    checked = False
    tells_best = True
    samples = (
        ("", "meta.json"),
        ("", "spot_meta.json"),
        ("", "subscribed.json"),
        ("", "trades_first.json"),
        ("", "l2Book.json"),
        ("", "trades.json"),
        ("", "l2Book_next.json"),
        ("", "bbo.json"),
        ("", "bbo_one_side.json"),
        ("", "activeAssetCtx.json"),
        ("", "trades_spot.json"),
        ("", "activeSpotAssetCtx.json"),
        ("", "pong.json"),
    )

    def frame(self, text: str) -> Iterator[Told]:
        message = json.loads(text)
        channel, data = message["channel"], message.get("data")
        if channel == "trades":
            for one in data:
                side, at_ns = {"B": 1, "A": -1}[one["side"]], one["time"] * 10**6
                yield Deal(one["coin"], f"{one['tid']:032x}", Decimal(one["px"]), Decimal(one["sz"]), side, at_ns)
        elif channel == "l2Book":
            yield Clear(data["coin"])
            for side, levels in zip((BID, ASK), data["levels"], strict=True):
                for one in levels:
                    if Decimal(one["sz"]):
                        yield Level(data["coin"], side, Decimal(one["px"]), Decimal(one["sz"]), data["time"] * 10**6)
        elif channel == "bbo":
            bid, ask = data["bbo"]
            if bid and ask and Decimal(bid["px"]) and Decimal(ask["px"]):
                sizes = Decimal(bid["sz"]), Decimal(ask["sz"])
                yield Best(data["coin"], Decimal(bid["px"]), sizes[0], Decimal(ask["px"]), sizes[1])
        elif channel not in TELL_NOTHING:
            raise KeyError(channel)

    def answer(self, url: str, text: str) -> Iterator[Told]:
        raise KeyError(url)

    def given(self, file: str, text: str) -> tuple[str, str]:
        """Payloads are what a frame of l2Book holds."""
        return "", f'{{"channel":"l2Book","data":{text}}}' if "book" in file else text


READING = HyperliquidReading()
