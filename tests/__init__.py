"""Tests. A package of its own, since a dependency ships one of this name, which would be found instead."""
