"""What Kraken's samples tell, and what its errors mean, by hand."""

NUMBER = "OQCLML-BW3P3-BUCMWZ"
TAKEN = "BTC/USD buy 0.004 at 60000.4 fee 0.624 USD taker THVRQM-33VKH-UCI7BS 1763800000171234000"
TOLD = {
    "order_answer": [f"BTC/USD buy 0.0123 sent 0 {NUMBER}"],
    "order_status": [f"BTC/USD buy 0.0123 cancelled 0.004 {NUMBER} IOC order not filled"],
    "order_status_closed": [f"BTC/USD buy 0.0123 filled 0.0123 {NUMBER}"],
    "order_status_none": ["BTC/USD buy 0.0123 rejected 0 - it never reached the venue (the answer does not name it)"],
    "my_trades": [
        TAKEN,
        "BTC/USD buy 0.0083 at 60000.5 fee -0.0498 USD maker THVRQM-33VKH-UCI7BU 1763800000173000000",
    ],
    "open_orders": [f"BTC/USD sell 0.0123 working 0 {NUMBER}"],
    "account": ["USD 849.5 + 150.6", "BTC 0.004 + 0", "ZETA 7.5 + 0"],
    "event_new": [f"BTC/USD buy 0.0123 working 0 {NUMBER}"],
    "event_trade": [f"BTC/USD buy 0.0123 partly_filled 0.004 {NUMBER}", TAKEN],
    "event_of_another": [],
    "event_cancelled": [],
    "event_subscribed": [],
}


def _body(error: str) -> dict[str, object]:
    return {"error": [error]}


CODES = [  # exchange/guides/general/errors and api/docs/guides/spot-errors
    *(("refused", 200, _body(f"EAPI:{why}")) for why in ("Invalid key", "Invalid nonce", "Invalid signature")),
    *(("refused", 200, _body(f"EGeneral:{why}")) for why in ("Invalid arguments", "Permission denied")),
    ("refused", 200, _body("EGeneral:Temporary lockout")),
    *(("refused", 200, _body(f"EOrder:{why}")) for why in ("Insufficient funds", "Order minimum not met")),
    *(("refused", 200, _body(f"EOrder:{why}")) for why in ("Rate limit exceeded", "Invalid price", "Post only order")),
    *(("refused", 200, _body(f"EService:Market in {mode} mode")) for mode in ("cancel_only", "post_only")),
    ("refused", 200, _body("EQuery:Unknown asset pair")),
    ("unsure", 200, _body("EService:Unavailable")),
    ("unsure", 200, _body("EService:Busy")),
    ("unsure", 200, _body("EService:Timeout")),
    ("unsure", 200, _body("EService:Deadline elapsed")),
    ("unsure", 200, _body("EGeneral:Internal error")),
    ("unsure", 200, _body("EGeneral:Internal error:17")),
    ("unsure", 200, _body("EOrder:Duplicate cl_ord_id")),
    ("unsure", 200, _body("ESurprise:No page names it")),
    ("unsure", 200, {"error": ["EOrder:Insufficient funds", "EService:Busy"]}),
    ("absent", 200, _body("EOrder:Unknown order")),
]
