"""What the documentation says, done and compared."""
