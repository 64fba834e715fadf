"""How long an order takes, from what caused it to the exchange."""
