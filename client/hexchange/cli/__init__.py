"""The hexchange command."""
