"""Examples of every command, as its help, the page on commands and the man pages show them. Each line can be typed as
it is written: a test parses all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "quotas check": (
        "opskit quotas check",
        "opskit quotas check ml.p3.2xlarge --for training --need 4 --region us-east-1 --region eu-west-1",
        "opskit quotas check ml.g5.xlarge --all -o json",
    ),
    "quotas list": ("opskit quotas list --used", "opskit quotas list --match 'ml.g5*' --for endpoint --live"),
    "quotas increase": (
        "opskit quotas increase ml.m4.xlarge --for training --for transform --to 2 --dry-run",
        "opskit quotas increase total --for training --to 30 --why 'Weekly retraining' --yes",
        "opskit quotas increase --resume",
    ),
    "quotas requests": ("opskit quotas requests --open",),
    "quotas wait": ("opskit quotas wait ml.m4.xlarge --for training --to 2 --timeout 24h",),
    "quotas explain": (
        "opskit train boston 2>&1 | opskit quotas explain -",
        'opskit quotas explain "ResourceLimitExceeded: ... ml.p2.xlarge for training job usage is 0 Instances"',
    ),
    "notebook list": ("opskit notebook list --region all", "opskit notebook list --who --sort cost"),
    "notebook create": (
        "opskit notebook create course --wait",
        "opskit notebook create gpu -t ml.g4dn.xlarge --volume 50 --tag team=vision --dry-run",
    ),
    "notebook start": ("opskit notebook start course --wait", "opskit notebook start --tag course=mlops --dry-run"),
    "notebook open": ("opskit notebook open course", "opskit notebook open course --print"),
    "notebook keep": (
        "opskit notebook keep course --for 36h --reason 'Trains until Sunday'",
        "opskit notebook keep --match 'team-*' --for 12h",
    ),
    "notebook unkeep": ("opskit notebook unkeep course",),
    "notebook stop": (
        "opskit notebook stop --idle --dry-run",
        "opskit notebook stop --idle --after 2h --grace 15m --match 'team-*'",
        "opskit notebook stop --idle --patience-usd 2",
        "opskit notebook stop course",
        "opskit notebook stop --owner ada --dry-run",
        "opskit notebook stop --idle --org --plan plan.json",
    ),
    "endpoint list": ("opskit endpoint list --region all", "opskit endpoint list --match 'team-*' --sort price"),
    "endpoint stop": (
        "opskit endpoint stop --idle --dry-run",
        "opskit endpoint stop --idle --after 7d --grace 1d --yes",
        "opskit endpoint stop --idle --patience-usd 20 --dry-run",
        "opskit endpoint stop prices",
    ),
    "endpoint keep": (
        "opskit endpoint keep prices --until 2026-12-24 --reason 'Demo on the 23rd'",
        "opskit endpoint keep --match 'team-*' --for 14d",
    ),
    "endpoint unkeep": ("opskit endpoint unkeep prices",),
    "endpoint start": ("opskit endpoint start prices", "opskit endpoint start prices --dry-run"),
    "workflow init": (
        "opskit workflow init houses --data houses.csv --target price",
        "opskit workflow init churn --data churn.csv --target left --task binary --ignore customer",
    ),
    "workflow check": ("opskit workflow check boston", "opskit workflow check ./houses --update"),
    "workflow list": ("opskit workflow list",),
    "workflow show": ("opskit workflow show boston", "opskit workflow show ./houses -o json"),
    "train": (
        "opskit train boston --dry-run",
        "opskit train boston --instance-type ml.m5.xlarge --max-usd 1 --deploy",
        "opskit train boston --request-increase --wait",
        "opskit train boston --any-of ml.m5.xlarge,ml.c5.xlarge --max-usd 0.50 --fit-budget",
    ),
    "deploy": (
        "opskit deploy boston",
        "opskit deploy boston --for 4h",
        "opskit deploy boston --instance-type ml.m5.large --dry-run",
    ),
    "predict": ("opskit predict boston", "opskit predict boston houses.csv --out predicted.csv"),
    "cleanup": ("opskit cleanup boston --dry-run", "opskit cleanup boston --local --yes"),
    "guard": (
        "opskit guard --training ml.p3.2xlarge=4 --wait 2h -- python train.py",
        "opskit guard --endpoint ml.m5.xlarge=2 --max-usd 20 --hours 24 -- python deploy.py",
        "opskit guard --from request.json --operation create-training-job",
        "terraform show -json plan.bin | opskit guard --from - -o markdown",
    ),
    "guard hook": (
        "cat event.json | opskit guard hook --max-usd 20",
        "cat event.json | opskit guard hook --agent cursor",
    ),
    "guard install": (
        "opskit guard install ipython --max-usd 5",
        "opskit guard install python --dry-run",
        "opskit guard install claude-code cursor codex --max-usd 20",
    ),
    "guard remove": ("opskit guard remove ipython python",),
    "guard status": ("opskit guard status",),
    "costs": (
        "opskit costs --region all",
        "opskit costs --by owner",
        "opskit costs --metrics --region us-east-1",
        "opskit costs --budget 200 -o json",
    ),
    "mcp": ("opskit mcp", "opskit mcp --profile work --region us-east-1"),
    "cron show": ("opskit cron show", "opskit cron show stop-idle --every 30m --systemd"),
    "fleet check": (
        "opskit fleet check ml.m4.xlarge --for training --org",
        "opskit fleet check --accounts accounts.csv --region us-east-1 --region eu-west-1 -o json",
    ),
    "fleet idle": ("opskit fleet idle --org --ou research --region all",),
    "fleet costs": ("opskit fleet costs --org --processes 2", "opskit fleet costs --accounts accounts.csv --resume"),
    "fleet role": ("opskit fleet role --external-id team-ml", "opskit fleet role notebook list notebook stop"),
    "cron install": (
        "opskit cron install stop-idle --every 15m -- --after 2h",
        "opskit cron install --notify ~/.config/opskit/webhook --dry-run",
    ),
    "cron remove": ("opskit cron remove", "opskit cron remove stop-idle"),
    "cron run": ("opskit cron run stop-idle --deadline 10m",),
    "state template": ("opskit state template > table.json", "opskit state template --table team-ml -o json"),
    "state move": (
        "opskit state move --to dynamodb://opskit",
        "opskit state move --state dynamodb://opskit --to local --dry-run",
    ),
    "history": ("opskit history --since 7d", "opskit history --owner ada --all", "opskit history --action stop -o csv"),
    "doctor": ("opskit doctor", "opskit doctor --profile work -o json"),
    "settings": ("opskit settings",),
    "iam policy": ("opskit iam policy quotas check notebook stop",),
    "sandbox start": ("opskit sandbox start --scenario classroom", "opskit sandbox start --port 5000 --latency 50ms"),
    "sandbox run": ("opskit sandbox run --scenario full -- opskit quotas check",),
    "sandbox differences": ("opskit sandbox differences",),
    "demo": ("opskit demo", "opskit demo --keep demo-files"),
    "completion": (
        'eval "$(opskit completion bash)"',
        "opskit completion fish > ~/.config/fish/completions/opskit.fish",
    ),
}
"""By the command's words."""
