"""Factories that turn feeds into software-defined assets and checks; what they do stands in the pipeline."""
