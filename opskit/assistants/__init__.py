"""The feature ``assistants``: coding agents and other assistants ask opskit through the Model Context Protocol."""
