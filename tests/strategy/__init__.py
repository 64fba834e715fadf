"""Tests of strategies, sizing, foretelling and scores."""
