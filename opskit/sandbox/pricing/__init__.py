"""The Price List API."""
