"""The rules of the risk gate, one idea a file; `execution/risk.py` asks them in order."""
