"""State that opskit keeps on this machine between runs: the journal of its changes, queued requests, and locks.

All of it lies in the user's state directory, is safe for concurrent processes, and survives a kill at any point.
"""
