"""What Bybit's samples tell, and what its codes mean, by hand."""

AT = "fee 0.000004 BTC taker 2100000000007764263 1763800000171000000"
TOLD = {
    "order_answer": ["spot:BTCUSDT buy 0.0123 sent 0 8f1c2a60-0d6b-4a3e-9d52-0c9a1f3b7e11"],
    "order_status": ["spot:BTCUSDT buy 0.0123 partly_filled 0.004 8f1c2a60-0d6b-4a3e-9d52-0c9a1f3b7e11"],
    "order_status_rejected": [
        "spot:BTCUSDT buy 0.0123 cancelled 0 8f1c2a60-0d6b-4a3e-9d52-0c9a1f3b7e11 EC_PostOnlyWillTakeLiquidity"
    ],
    "order_status_none": [
        "spot:BTCUSDT buy 0.0123 rejected 0 - it never reached the venue (the answer does not name it)"
    ],
    "my_trades": [
        f"spot:BTCUSDT buy 0.004 at 60000.4 {AT}",
        # a maker's rebate comes in the asset that is paid, and is never made more than it is
        "spot:BTCUSDT buy 0.0083 at 60000.5 fee -0.000498 USDT maker 2100000000007764264 1763800000171000000",
    ],
    "open_orders": ["BTCUSDT sell 0.0123 working 0 8f1c2a60-0d6b-4a3e-9d52-0c9a1f3b7e11"],
    "account": ["USDT 849.52345678 + 150.6", "BTC 0.004 + 0"],
    "event_order": ["BTCUSD buy 0.0123 filled 0.0123 8f1c2a60-0d6b-4a3e-9d52-0c9a1f3b7e11"],
    "event_execution": [
        "BTCUSDT buy 0.004 at 60000.4 fee 0.0132001 USDT taker 2100000000007764263 1763800000171000000"
    ],
    "event_funding": [],
    "event_wallet": ["USDT 849.52345678 + 150.6", "BTC 0.004 + 0"],
    "event_login": [],
}


def _body(code: int) -> dict[str, object]:
    return {"retCode": code, "retMsg": "as documented", "result": {}, "retExtInfo": {}, "time": 1763800000200}


CODES = [  # docs/v5/error
    *(("refused", 200, _body(code)) for code in (10001, 10002, 10003, 10004, 10005, 10006, 10010, 10018, 10027, 10028)),
    *(("refused", 200, _body(code)) for code in (110003, 110004, 110007, 110017, 110020, 170131, 170135, 170210)),
    *(("unsure", 200, _body(code)) for code in (10000, 10014, 10016, 170001, 170007, 170032, 170146)),
    *(("unsure", 200, _body(code)) for code in (110030, 110072, 170141)),  # our id is there already
    *(("unsure", 200, _body(code)) for code in (-1, 1, 99999, 180000)),  # named by no page
    *(("absent", 200, _body(code)) for code in (110001, 170213)),
    ("refused", 403, _body(10009)),
    ("unsure", 500, _body(10001)),
]
