"""What OKX's samples tell, and what its codes mean, by hand."""

NUMBER = "680800019749904384"
TOLD = {
    "order_answer": [f"BTC-USDT buy 0.0123 sent 0 {NUMBER}"],
    "order_answer_stop": ["BTC-USDT buy 0.0123 sent 0 -"],  # the number to come is that of the order it sets off
    "order_status": [f"BTC-USDT buy 0.0123 partly_filled 0.004 {NUMBER}"],
    "order_status_cancelled": [
        f"BTC-USDT buy 0.0123 cancelled 0 {NUMBER} The post-only order will take liquidity in maker orders"
    ],
    "order_status_none": [
        "BTC-USDT buy 0.0123 rejected 0 - it never reached the venue (code 51603: Order does not exist)"
    ],
    "order_status_stop": ["BTC-USDT buy 0.0123 working 0 680800019749904385"],
    "my_trades": [
        "BTC-USDT buy 0.004 at 60000.4 fee 0.000004 BTC taker 744876980 1763800000172000000",
        # a rebate, told as a gain, and never made more than it is
        "BTC-USDT buy 0.0083 at 60000.5 fee -0.000498 USDT maker 744876982 1763800000173000000",
    ],
    "open_orders": [f"BTC-USDT-SWAP sell 0.0123 working 0 {NUMBER}"],
    "open_orders_algo": ["BTC-USDT sell 0.0123 working 0 -"],
    "account": ["USDT 849.52345678 + 150.57654321", "BTC 0.004 + 0"],
    "event_order": [
        f"BTC-USDT buy 0.0123 filled 0.0123 {NUMBER}",
        "BTC-USDT buy 0.0083 at 60000.5 fee 0.0000083 BTC maker 744876982 1763800000173000000",
    ],
    "event_order_of_stop": ["BTC-USDT sell 0.0123 working 0 680800019749904385"],
    "event_algo": ["BTC-USDT sell 0.0123 cancelled 0 - failCode 51008"],
    "event_account": ["USDT 849.52345678 + 150.57654321", "BTC 0.004 + 0"],
    "event_login": [],
    "event_subscribed": [],
}


def _body(code: int) -> dict[str, object]:
    return {"code": str(code), "msg": "as documented", "data": []}


def _of_order(code: int) -> dict[str, object]:
    """As "Place order" tells what it refused: "Operation failed", and why in the order's row."""
    row = {"clOrdId": "nfli2fjfq4hwmsxgzfm36u", "ordId": "", "tag": "", "sCode": str(code), "sMsg": "as documented"}
    return {"code": "1", "msg": "All operations failed", "data": [row]}


CODES = [  # docs-v5/en/#error-code
    *(("refused", 200, _of_order(code)) for code in (51000, 51001, 51006, 51008, 51020, 51121, 51131, 51137)),
    *(("refused", 400, _body(code)) for code in (50002, 50014)),
    *(("refused", 401, _body(code)) for code in (50102, 50111, 50113)),
    ("refused", 429, _body(50011)),
    ("unsure", 400, _body(50004)),  # the page gives it status 400, and says that it tells neither
    ("unsure", 429, _body(50013)),
    ("unsure", 410, _body(50005)),
    ("unsure", 503, _body(50001)),
    ("unsure", 500, _body(50026)),
    *(("unsure", 200, _of_order(code)) for code in (50004, 50026, 51054, 51149)),
    *(("unsure", 200, _of_order(code)) for code in (51016, 51065)),  # our id is there already
    *(("unsure", 200, _body(code)) for code in (1, 2, 77777)),  # failed, and not said why; named by no page
    *(("absent", 200, _body(code)) for code in (51603,)),
]
