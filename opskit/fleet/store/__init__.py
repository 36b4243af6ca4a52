"""What a run over several accounts remembers, so that it can be resumed."""
