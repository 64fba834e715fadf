"""Orders: ids, states, risk, the account, and the core that joins them. Pure: no sockets, clock or files."""
