"""Stores that are down, locked, full or read-only, and workers that freeze: the real thing, not a double."""
