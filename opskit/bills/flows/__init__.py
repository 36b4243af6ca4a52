"""Reads, prices and sums what bills."""
