"""The endpoints of Plaid's API."""
