"""A history that proves itself: leaves, the Merkle tree over them, and what is signed about it."""
