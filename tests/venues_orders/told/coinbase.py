"""What Coinbase's samples tell, and what its errors mean, by hand."""

NUMBER = "0b1c2d3e-4f50-4617-8899-aabbccddeeff"
FIRST = "cf1e6a4e-7f8a-4a36-a97d-0c1b6b0f3a01 1763800000171234567"
TOLD = {
    "order_answer": [f"BTC-USD buy 0.0123 sent 0 {NUMBER}"],
    "order_answer_of_another": [
        "BTC-USD buy 0.0123 unknown 0 - the answer could not be read: \"the answer is about order 'by-hand'\""
    ],
    "order_status": [f"BTC-USD buy 0.0123 working 0.004 {NUMBER}"],
    "order_status_listed": [f"BTC-USD buy 0.0123 cancelled 0 {NUMBER} User requested cancel"],
    "order_status_failed": [f"BTC-USD buy 0.0123 rejected 0 {NUMBER} HOLD_FAILURE"],
    "order_status_none": ["BTC-USD buy 0.0123 rejected 0 - it never reached the venue (the answer does not name it)"],
    "my_trades": [
        f"BTC-USD buy 0.004 at 60000.4 fee 1.4400096 USD taker {FIRST}",  # never less than it was
        "BTC-USD buy 0.0083 at 60000.5 fee 0 USD maker cf1e6a4e-7f8a-4a36-a97d-0c1b6b0f3a02 1763800000173000000",
    ],
    "open_orders": [f"BTC-USD sell 0.0123 working 0 {NUMBER}"],
    "account": ["USD 849.52345678 + 150.57654321", "BTC 0.004 + 0"],
    "event_open": [f"BTC-USD buy 0.0123 working 0 {NUMBER}"],
    "event_partly": [f"BTC-USD buy 0.0123 working 0.004 {NUMBER}"],
    "event_filled": [f"BTC-USD buy 0.0123 filled 0.0123 {NUMBER}"],
    "event_cancelled": [],
    "event_heartbeat": [],
}


def _refused(error: str) -> dict[str, object]:
    """As "Create Order" tells it, with http status 200."""
    told = {"error": error, "message": "as documented", "error_details": "", "new_order_failure_reason": error}
    return {"success": False, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": "", "error_response": told}


def _error(error: str) -> dict[str, object]:
    return {"error": error, "error_details": "", "message": "as documented"}


REASONS = ("UNSUPPORTED_ORDER_CONFIGURATION", "INVALID_SIDE", "INVALID_PRODUCT_ID", "INVALID_SIZE_PRECISION")
MORE = ("INVALID_PRICE_PRECISION", "INSUFFICIENT_FUND", "ORDER_ENTRY_DISABLED", "INVALID_LIMIT_PRICE_POST_ONLY")
CODES = [  # advanced-trade-api/rest-api/orders/create-order
    *(("refused", 200, _refused(error)) for error in (*REASONS, *MORE)),
    ("refused", 400, _error("INVALID_ARGUMENT")),
    ("refused", 401, _error("UNAUTHENTICATED")),
    ("refused", 403, _error("PERMISSION_DENIED")),
    ("refused", 429, _error("RESOURCE_EXHAUSTED")),
    ("unsure", 200, _refused("UNKNOWN_FAILURE_REASON")),
    ("unsure", 200, {"success": False, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": ""}),
    ("unsure", 400, _error("UNKNOWN")),
    ("unsure", 400, {"message": "no error is named"}),
    ("unsure", 500, _error("INTERNAL")),
    ("absent", 404, _error("NOT_FOUND")),
]
