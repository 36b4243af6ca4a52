"""How somebody who is not looking learns how a command went: --heartbeat and --notify."""
