"""Evidence bundles as programs of other hands see them."""
