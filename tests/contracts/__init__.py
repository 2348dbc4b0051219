"""What the two marketplaces promise: vendored models, validators, and a suite for each port."""
