"""The nine services and `serve`: each moves batches between a bus and a pure core, and decides nothing."""
