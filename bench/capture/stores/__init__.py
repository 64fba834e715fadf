"""Stores that take the same trades and answer the same questions: ninefold and its peers, one file each."""
