"""What several checks share: scans, figures, details, rules in words. No check stands here."""
