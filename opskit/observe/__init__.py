"""AWS and Jupyter reads, turned into values. No judgement here."""
