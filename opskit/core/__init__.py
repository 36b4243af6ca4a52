"""What everything stands on: errors, nouns, settings, time and text. It imports nothing else of opskit."""
