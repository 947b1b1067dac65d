"""Manifests, fold of events and rules of the market (pure)."""
