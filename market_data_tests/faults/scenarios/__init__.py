"""One fault a module, found by scanning: each defines `SCENARIO`, and knows nothing of its neighbours."""
