"""What every other package builds on: errors, the domain model, settings, time and text. It imports nothing else of
opskit.
"""
