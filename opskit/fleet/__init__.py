"""Commands over several accounts: which accounts, a run in each, and one answer."""
