"""A stand-in for Plaid: its HTTP API, its webhooks, its Link, over a world made from a seed.

An independent program inside the package: it imports nothing of MINGUS and MINGUS imports nothing of it.
"""
