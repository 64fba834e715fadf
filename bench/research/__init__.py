"""Research side by side with its peers: streaming, back-tests, honesty."""
