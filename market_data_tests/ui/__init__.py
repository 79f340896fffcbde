"""Tests that drive the web interface of a real `dagster dev`: through GraphQL, and in a browser."""
