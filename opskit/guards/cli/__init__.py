"""Commands: settle settings, run a flow, return a result."""
