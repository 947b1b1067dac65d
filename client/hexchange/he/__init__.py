"""Homomorphic encryption: keys, packing, evaluation, release."""
