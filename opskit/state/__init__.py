"""What opskit remembers on this machine between two runs: what it changed, what waits its turn, who is at it.

Everything here lies in the user's state folder, is safe for two processes and survives a kill at any point.
"""
