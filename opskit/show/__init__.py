"""Values to people (rich), programs (JSON, CSV), and mail (tabulate). No room below this one formats anything."""
