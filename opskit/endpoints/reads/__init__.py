"""Reads of AWS and Jupyter, turned into values. No judgement."""
