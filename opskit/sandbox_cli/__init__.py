"""``opskit sandbox``: start the local AWS. The only folder of opskit that imports it; the rest uses HTTP."""
