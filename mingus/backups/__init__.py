"""Backups: the whole database in one sealed file that either engine can read again."""
