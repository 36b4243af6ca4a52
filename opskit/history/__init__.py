"""What opskit changed, and what its stops saved."""
