"""What people read of a history's evidence: none of it proves anything, `events/` does."""
