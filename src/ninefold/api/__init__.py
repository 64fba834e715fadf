"""What the outside sees: a live view of the stream, REST and websocket, metrics. It shows and decides nothing."""
