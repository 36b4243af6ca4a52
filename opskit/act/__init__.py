"""Everything opskit can change in an account. Nothing outside this room writes."""
