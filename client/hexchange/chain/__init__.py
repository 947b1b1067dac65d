"""The EVM chain: events, contracts, wallet, sender."""
