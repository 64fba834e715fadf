"""What a page holds of the stream: the state a client builds from the messages of its websocket."""

from typing import Any

TOPICS = ("status", "messages", "orders", "fills", "equity", "bars:binance:BTC/USDT:1s", "quotes:binance:BTC/USDT")


class Page:
    """Rows by their key; one snapshot replaces all. `since` is the number it would come back with."""

    def __init__(self) -> None:
        self.since: int | None = None
        self.rows: dict[str, dict[str, Any]] = {}
        self.open_bar: dict[str, Any] | None = None

    def hear(self, message: Any) -> None:
        self.since = message.number
        if message.topic == "snapshot":
            self.rows, self.open_bar = {}, None
            for topic, body in message.data.items():
                self._replace(topic.partition(":")[0], body)
        else:
            self._put(message.topic.partition(":")[0], message.data)

    def state(self) -> dict[str, Any]:
        return {**{topic: rows for topic, rows in self.rows.items() if rows}, "open_bar": self.open_bar}

    def _replace(self, topic: str, body: dict[str, Any] | None) -> None:
        if body is None:
            return
        if topic == "bars":
            columns = body["columns"]
            for cells in zip(*columns.values(), strict=True):
                self._put("bars", {**dict(zip(columns, cells, strict=True)), "open_bar": False})
            self.open_bar = body["open_bar"]
        elif topic == "equity":
            for at, value in zip(*body["columns"].values(), strict=True):
                self._put("equity", {"known_ns": at, "equity": value})
        elif topic in ("messages", "orders", "fills"):
            for row in reversed(body[topic]):
                self._put(topic, row)
        else:
            self._put(topic, body)

    def _put(self, topic: str, data: dict[str, Any]) -> None:
        if topic == "bars" and data["open_bar"]:
            self.open_bar = data
            return
        held = self.rows.setdefault(topic, {})
        if topic == "bars":
            held[data["open_ns"]] = {
                name: cell for name, cell in data.items() if name not in ("instrument", "timeframe", "open_bar")
            }
            if self.open_bar is not None and int(self.open_bar["open_ns"]) <= int(data["open_ns"]):
                self.open_bar = None
        elif topic == "fills":
            held[str(len(held))] = data  # fills have no name of their own: each is told once, or this fails
        elif topic == "equity":
            held[data["known_ns"]] = data["equity"]
        else:
            held[str({"messages": data.get("id"), "orders": data.get("client_order_id")}.get(topic))] = data
