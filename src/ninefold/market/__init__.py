"""Values that everything speaks: instruments, arrays of market data, records, chunks. Pure: no sockets, clock or
files.
"""
