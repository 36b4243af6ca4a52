"""One file per command: observe, decide, act. They read top to bottom, format nothing and know no AWS names."""
