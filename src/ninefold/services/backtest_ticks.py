"""Trades and books for back-tests out of files and data dirs, and one back-test on trades as people ask for it.

In:  a Parquet file of trades, or the name of an instrument that is stored.
Out: blocks of `Ticks` in memory that does not grow with the file; a `Session` of all that a venue showed; a document with
     what was found, in the form of `services.backtest`.
"""
