"""opskit in cron and systemd: jobs, entries, one run under a lock and a deadline."""
