"""Where opskit keeps its state: what is there, the table for it, and the move from one home to another."""
