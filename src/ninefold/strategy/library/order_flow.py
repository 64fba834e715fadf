"""Order flow: be on the side that is hungrier, in the trades or in the book."""

from __future__ import annotations

from ninefold.strategy.strategy import strategy

STRATEGIES = (
    strategy(
        "flow_buy_share_1s",
        "1s",
        # Products instead of buy_volume / volume: quiet seconds have no volume to divide by.
        "where(sum(buy_volume, 10) > sum(volume, 10) * 0.65, 1, "
        "where(sum(buy_volume, 10) < sum(volume, 10) * 0.35, -1, 0))",
        "order_flow",
        "Long when takers bought more than 65 % of the volume of ten seconds, short below 35 %.",
    ),
    strategy(
        "flow_imbalance_1s",
        "1s",
        "where(sma(imbalance, 3) > 0.4, 1, where(sma(imbalance, 3) < -0.4, -1, 0))",
        "order_flow",
        "On the side that shows more size at the best prices, over three seconds.",
    ),
)
