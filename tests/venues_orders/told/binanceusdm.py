"""What Binance USD-M's samples tell, and what its codes mean, by hand."""

TOLD = {
    "order_answer": ["BTCUSDT buy 0.0123 partly_filled 0.004 22542179"],
    "order_answer_stop": ["BTCUSDT buy 0.0123 working 0 -"],  # the number to come is that of the order it sets off
    "order_status": ["BTCUSDT buy 0.0123 expired 0 22542179"],
    "order_status_stop": ["BTCUSDT buy 0.0123 working 0 22542180"],
    "order_status_of_stop": ["BTCUSDT buy 0.0123 filled 0.0123 22542180"],
    "my_trades": [
        "BTCUSDT buy 0.004 at 60000.4 fee 0.09600064 USDT taker 698759 1763800000171000000",
        "BTCUSDT buy 0.0083 at 60000.5 fee -0.00498 USDT maker 698761 1763800000173000000",
    ],
    "open_orders": ["BTCUSDT sell 0.0123 working 0 22542179"],
    "open_orders_algo": ["BTCUSDT sell 0.0123 working 0 -"],
    "account": ["USDT 849.5 + 150.6"],
    "event_order": ["BTCUSDT buy 0.0123 working 0 22542179"],
    "event_trade": [
        "BTCUSDT buy 0.0123 partly_filled 0.004 22542179",
        "BTCUSDT buy 0.004 at 60000.4 fee 0.09600064 USDT taker 698759 1763800000171000000",
    ],
    "event_of_another": [],
    "event_algo": ["BTCUSDT sell 0.0123 working 0 -"],
    "event_algo_done": ["BTCUSDT sell 0.0123 filled 0.0123 22542180"],
    "event_algo_cut": ["BTCUSDT sell 0.0123 cancelled 0.004 22542180"],
    "event_algo_rejected": ["BTCUSDT sell 0.0123 expired 0 - Reduce Only reject"],
    "event_wallet": [],
}


def _body(code: int, message: str = "as documented") -> dict[str, object]:
    return {"code": code, "msg": message}


CODES = [  # docs/derivatives/usds-margined-futures/error-code and general-info
    *(("refused", 400, _body(code)) for code in (-1013, -1021, -1022, -1111, -1121, -2010, -2018, -2019, -2021, -2022)),
    *(("refused", 400, _body(code)) for code in (-2025, -2026, -2027, -4003, -4005, -4014, -4131, -4164)),
    *(("refused", 401, _body(code)) for code in (-2014, -2015)),
    ("refused", 429, _body(-1015)),
    ("refused", 418, _body(-1003)),
    *(("unsure", 400, _body(code)) for code in (-1000, -1001, -1006, -1007, -4116)),
    ("unsure", 400, _body(-9999, "Duplicate order sent.")),
    *(("unsure", status, _body(-1000)) for status in (408, 500, 503)),
    ("unsure", 400, _body(17)),
    ("absent", 400, _body(-2013, "Order does not exist.")),
]
