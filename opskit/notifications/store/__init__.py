"""What notifications keep in the state folder."""
