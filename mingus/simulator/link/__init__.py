"""The stand-in for Plaid Link: link tokens, the script for pages, the frame with its panes, OAuth banks."""
