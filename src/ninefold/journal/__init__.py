"""The tape: append-only segments of numbered records. The journal holds what came from outside, the stream log what
the chain made of it.
"""
