"""Hexchange: a market for computing on data that nobody but its owner can read."""
