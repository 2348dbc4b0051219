"""The pages as a browser runs them."""
