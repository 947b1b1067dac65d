"""The circuits that people need, each with its twin in the clear."""
