"""What a data owner does."""
