"""Strategies that look ahead and such that do not, and the check that tells them apart."""
