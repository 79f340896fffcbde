"""Durable files: hashes, fsync, atomic renames, locks. What lies in the files is other packages' business."""
