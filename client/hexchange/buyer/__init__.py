"""What a buyer does."""
