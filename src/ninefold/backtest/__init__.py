"""The simulated market: fills, fees, latency. Pure: no sockets, clock or files."""
