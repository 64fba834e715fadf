"""The exchange as Kraken: signed REST requests under /kraken/0/private.

In:  forms with a nonce, API-Key and API-Sign. Out: {"error": [...], "result": ...}, which a refusal is too, with status 200;
     what a request may meet on its way is in order_faults.py, as for every protocol.
Source: docs.kraken.com, "Spot REST": Authentication, Add Order, Cancel Order, Query Orders Info, Get Open Orders, Get Closed
Orders, Get Trades History, Get Extended Balance, Get API Key Info, Get Websockets Token, and "API errors", read 2026-11-30.
The API counter and stops are not simulated; the fee has to be wanted in the quote asset (oflags fciq).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from ninefold.simulator import kraken_account as texts
from ninefold.simulator import ledger
from ninefold.simulator.accounts import OwnOrder
from ninefold.simulator.auth import Keys
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange, Listing
from ninefold.simulator.faces import Desk
from ninefold.simulator.faults import Trouble
from ninefold.simulator.kraken_rest import ARGUMENTS, Refused, fail, json_response
from ninefold.simulator.order_faults import reply
from ninefold.simulator.params import Params

FACE, PREFIX = "/kraken", "/0/private"
TYPES = {"market": "MARKET", "limit": "LIMIT"}
PAGE = 50
UNKNOWN_ORDER = "EOrder:Unknown order"
ERRORS = {  # of the desk, by what its message says
    "insufficient balance": "EOrder:Insufficient funds",
    "Duplicate": "EOrder:Duplicate cl_ord_id",
    "immediately match": "EOrder:Post only order",
    "NOTIONAL": "EOrder:Cost minimum not met",
    "LOT_SIZE": "EOrder:Order minimum not met",
    "PRICE_FILTER": "EOrder:Tick size check failed",
    "Unknown order": UNKNOWN_ORDER,
}
PERMISSIONS = ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"]

Form = Mapping[str, str]


class KrakenPrivate:
    """listings: by every name that a pair has. tokens: that open the account's line."""

    def __init__(self, exchange: Exchange, desk: Desk, listings: Mapping[str, Listing], tokens: set[str]) -> None:
        self.exchange = exchange
        self.desk = desk
        self.listings = listings
        self.tokens = tokens
        self._nonce = 0

    def routes(self) -> list[web.RouteDef]:
        answers: dict[str, Callable[[Form], object]] = {
            "AddOrder": self.add,
            "CancelOrder": self.cancel,
            "QueryOrders": self.query,
            "OpenOrders": self.open_orders,
            "ClosedOrders": self.closed_orders,
            "TradesHistory": self.trades,
            "BalanceEx": self.balances,
            "GetApiKeyInfo": self.rights,
            "GetWebSocketsToken": self.token,
        }
        return [web.post(f"{FACE}{PREFIX}/{name}", self._handler(name, answer)) for name, answer in answers.items()]

    def add(self, form: Form) -> object:
        flags = form.get("oflags", "").split(",")
        kind = TYPES.get(form.get("ordertype", ""))
        if kind is None or texts.FEES not in flags or form.get("type") not in ("buy", "sell"):
            raise Refused(ARGUMENTS)
        asked = {
            "symbol": self._listing(form.get("pair", "")).instrument.symbol,
            "side": form["type"].upper(),
            "type": "LIMIT_MAKER" if "post" in flags and kind == "LIMIT" else kind,
            "quantity": form.get("volume", ""),
            "newClientOrderId": texts.kept_id(form.get("cl_ord_id", secrets.token_hex(9))),
        }
        if kind == "LIMIT":
            asked["price"] = form.get("price", "")
        if asked["type"] == "LIMIT":
            asked["timeInForce"] = form.get("timeinforce", "GTC").upper()
        order = self.desk.orders.place(Params(asked)).order
        row = texts.order_row(self.exchange.listings[order.symbol].instrument, order)
        return {"descr": {"order": row["descr"]["order"]}, "txid": [texts.number(order.order_id)]}

    def cancel(self, form: Form) -> object:
        ours, number = form.get("cl_ord_id"), texts.order_id(form.get("txid", ""))
        if ours is None and number is None:
            raise Refused(ARGUMENTS)
        found = [each for each in self.exchange.open_orders.values() if _is(each, ours, number)]
        if not found:
            raise Refused(UNKNOWN_ORDER)
        [order] = found
        self.desk.orders.cancel(Params({"symbol": order.symbol, "orderId": str(order.order_id)}))
        return {"count": 1}

    def query(self, form: Form) -> object:
        numbers = [texts.order_id(each) for each in form.get("txid", "").split(",")]
        if None in numbers:
            raise Refused("EGeneral:Invalid arguments:txid")
        found = [order for each in numbers for order in self._find("order_id = ?", (each,))]
        if not found:
            raise Refused(UNKNOWN_ORDER)
        return self._rows(found)

    def open_orders(self, form: Form) -> object:
        ours = form.get("cl_ord_id")
        return {"open": self._rows([one for one in self.exchange.open_orders.values() if _is(one, ours, None)])}

    def closed_orders(self, form: Form) -> object:
        ours = form.get("cl_ord_id")
        where = "status not in ('NEW', 'PARTIALLY_FILLED')" + " and client_id = ?" * (ours is not None)
        values = () if ours is None else (texts.kept_id(ours),)
        found = self._find(f"{where} order by order_id desc limit {PAGE}", values)
        return {"closed": self._rows(found), "count": len(found)}

    def trades(self, form: Form) -> object:
        """Newest first, a page from `ofs` on."""
        since_ms, skipped = 1000 * _whole(form, "start"), _whole(form, "ofs")
        found = ledger.find_fills(self.exchange.store, "time_ms > ? order by time_ms desc, trade_id desc", (since_ms,))
        rows = {}
        for fill in found[skipped : skipped + PAGE]:
            [order] = self._find("order_id = ?", (fill.order_id,))
            listing = self.exchange.listings[fill.symbol]
            row = texts.trade_row(listing.instrument, order.type, fill)
            rows[texts.trade_number(fill.trade_id, fill.is_buyer)] = row
        return {"trades": rows, "count": len(found)}

    def balances(self, form: Form) -> object:
        self.exchange.account_asked.set()
        held = self.exchange.account.balances.items()
        return {texts.asset_name(name): texts.balance_row(one.free_e8, one.locked_e8) for name, one in held}

    def rights(self, form: Form) -> object:
        more = ["withdraw-funds"] if self.desk.keys.may_withdraw else []
        return {
            "apiKeyName": "the only one",
            "permissions": [*PERMISSIONS, *more],
            "validUntil": "0",
            "ipAllowlist": [],
        }

    def token(self, form: Form) -> object:
        made = secrets.token_urlsafe(32)
        self.tokens.add(made)
        return {"token": made, "expires": 900}

    def _rows(self, orders: list[OwnOrder]) -> dict[str, object]:
        of = self.exchange.listings
        return {texts.number(one.order_id): texts.order_row(of[one.symbol].instrument, one) for one in orders}

    def _find(self, where: str, values: tuple[object, ...]) -> list[OwnOrder]:
        return ledger.find_orders(self.exchange.store, where, values)

    def _listing(self, name: str) -> Listing:
        if name not in self.listings:
            raise Refused("EQuery:Unknown asset pair")
        return self.listings[name]

    def _handler(self, name: str, answer: Callable[[Form], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            body = await request.text()

            def carry_out() -> web.Response:
                try:
                    form = dict(parse_qsl(body))
                    self._check(request, f"{PREFIX}/{name}", body, form.get("nonce", ""))
                    return json_response({"error": [], "result": answer(form)})
                except Refused as refused:
                    return json_response({"error": [str(refused)]})
                except ApiError as error:
                    return json_response({"error": [_worded(error)]})

            faults = self.exchange.hub.faults
            if faults.maintenance():
                faults.struck["maintenance"] += 1
                return fail(Trouble("outage", 1), request)
            struck = faults.reply(f"{request.method} {request.path}")
            if struck is None:
                return carry_out()
            return await reply(struck, request, carry_out, self.desk.lines, self.desk.halving)

        return handle

    def _check(self, request: web.Request, path: str, body: str, nonce: str) -> None:
        """raises: Refused."""
        if not hmac.compare_digest(request.headers.get("API-Key", "").encode(), self.desk.keys.api_key.encode()):
            raise Refused("EAPI:Invalid key")
        signed = signature(self.desk.keys, path, nonce, body)
        if not hmac.compare_digest(request.headers.get("API-Sign", "").encode(), signed.encode()):
            raise Refused("EAPI:Invalid signature")
        if not (nonce.isascii() and nonce.isdigit() and int(nonce) > self._nonce):
            raise Refused("EAPI:Invalid nonce")
        self._nonce = int(nonce)


def signature(keys: Keys, path: str, nonce: str, body: str) -> str:
    """Of a form: base64 of the HMAC-SHA512, with the decoded secret, of the path and the SHA-256 of nonce and form."""
    what = path.encode() + hashlib.sha256(f"{nonce}{body}".encode()).digest()
    return base64.b64encode(hmac.new(base64.b64decode(keys.secret), what, hashlib.sha512).digest()).decode()


def _is(order: OwnOrder, client_id: str | None, order_id: int | None) -> bool:
    """Whether an order is the one that is meant, or no certain one is."""
    if client_id is not None:
        return order.client_id == texts.kept_id(client_id)
    return order_id is None or order.order_id == order_id


def _whole(form: Form, name: str) -> int:
    text = form.get(name, "0")
    if not (text.isascii() and text.isdigit()):
        raise Refused(ARGUMENTS)
    return int(text)


def _worded(error: ApiError) -> str:
    return next((said for part, said in ERRORS.items() if part in error.msg), f"{ARGUMENTS}:{error.msg}")
