"""What a compute provider does."""
