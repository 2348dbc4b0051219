"""Pure rules, each in a file of its own, each reading its figures from versioned policy data."""
