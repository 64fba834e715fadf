"""How services reach each other: in one process, through the stream log, or over NATS."""
