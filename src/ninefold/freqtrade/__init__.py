"""Strategies written for freqtrade, run unchanged: what their files import, and the rules by which they are back-tested.

Written from freqtrade's documentation; nothing of freqtrade is imported or copied. `docs/freqtrade.md` says what is the same,
what differs and what is not there.
"""

KIND = "freqtrade"  # of its trials in the ledger
