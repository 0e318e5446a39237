"""Figures of MINGUS, measured on the spot."""
