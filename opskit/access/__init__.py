"""Identity, permissions, settings: may opskit do what it is asked to?"""
