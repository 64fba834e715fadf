"""Order flow: be on the side that is hungrier, in the trades or in the book."""

from __future__ import annotations

from ninefold.strategy.strategy import Strategy


class FlowBuyShare1s(Strategy):
    """Long when takers bought more than 65 % of the volume of ten seconds, short below 35 %."""

    name = "flow_buy_share_1s"
    family = "order_flow"
    timeframe = "1s"
    # Products instead of buy_volume / volume: quiet seconds have no volume to divide by.
    target = "where(sum(buy_volume, 10) > sum(volume, 10) * 0.65, 1, where(sum(buy_volume, 10) < sum(volume, 10) * 0.35, -1, 0))"


class FlowImbalance1s(Strategy):
    """On the side that shows more size at the best prices, over three seconds."""

    name = "flow_imbalance_1s"
    family = "order_flow"
    timeframe = "1s"
    target = "where(sma(imbalance, 3) > 0.4, 1, where(sma(imbalance, 3) < -0.4, -1, 0))"
