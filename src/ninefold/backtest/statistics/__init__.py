"""What a result is worth: pure numbers in, numbers out, each with its source.

Returns are fractions a period, oldest first; trials are rows. Nothing here is annualised unless its name says so.
A number that cannot be known (no spread of returns, too few of them) is NaN, never 0.
"""
