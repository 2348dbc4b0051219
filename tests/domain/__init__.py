"""The rules, tested without a database or a network."""
