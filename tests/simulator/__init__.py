"""The simulator, driven from outside."""
