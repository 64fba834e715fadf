"""Look-ahead found where data is read: every number carries the latest row it was made from."""
