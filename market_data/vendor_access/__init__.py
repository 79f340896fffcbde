"""How vendors are asked over a network: limits, retries, downloads, a circuit breaker. No vendor stands here."""
