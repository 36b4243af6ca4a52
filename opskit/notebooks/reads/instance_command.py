"""The one command that opskit runs inside a notebook instance: a constant that only reads.

It must stay below 4,096 bytes, the longest line that a terminal takes before its shell has come up, and without a
single quote or a line break inside. ``unset HISTFILE; exec`` leaves nothing in the shell's history, and ends the shell,
and so the terminal, with the command. Every line that it writes begins with a letter for what it is about, so that a
prompt, an echo or a profile that talks is not taken for an answer.

What it has written cannot tell of a file that was changed while it wrote, and its own traffic hides that somebody was
there. So it goes on without a word: it waits until it was asked when there was traffic, looks at the files again, and
ends where none was changed since it began. Else it stays for a while.
"""

from __future__ import annotations

FIRST_LINE, LAST_LINE = "opskit-inside-1", "opskit-inside-end"
"""What stands before and after the readings, each with the shell's process number."""

INTERVAL_SECONDS = 3

HOLD_SECONDS = 2
"""So long after the last line its terminal is asked when there was traffic in it, and the server when it was used."""

HOLD_AFTER_CHANGE_SECONDS = 20
"""So long it stays where a file was changed."""

FIND_SECONDS = 4
"""What looking at all files may take."""

# Of /proc/PID/stat: process, state, parent, flags, own and children's user and system time; and as one, since sed
# counts to nine: threads, a zero, begin.
_NINE_OF_STAT = (
    "s/^([0-9]+) [(].*[)] ([A-Za-z]) ([0-9]+) [0-9-]+ [0-9-]+ [0-9-]+ [0-9-]+ ([0-9]+) [0-9]+ [0-9]+ [0-9]+ [0-9]+"
    " ([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+) [0-9-]+ [0-9-]+ ([0-9-]+ [0-9-]+ [0-9]+) .*/"
    r"\1 \2 \3 \4 \5 \6 \7 \8 \9/"
)

_SKIP = "-xdev -name .ipynb_checkpoints -prune -o"

_STEPS = (
    "LC_ALL=C; export LC_ALL",
    'say() { sed "s/^/$1 /"; }',
    f'stats() {{ cut -d" " -f1 /proc/uptime; cat /proc/[0-9]*/stat | sed -E "{_NINE_OF_STAT}"; }}',
    "smi() { timeout 2 nvidia-smi --format=csv,noheader,nounits $1; }",
    # What stands for no GPU: no nvidia-smi, or one that fails on an instance without the device.
    'gpus() { command -v nvidia-smi > /dev/null && { smi --query-gpu=utilization.gpu; echo "exit $?"; '
    'smi --query-compute-apps=pid | sed "s/^/by /"; }; for each in /dev/nvidia[0-9]*; do '
    '[ -e "$each" ] && echo device; done; }',
    # Bounded in time; what it has found by then counts. A time in the future is nobody's work of today.
    f'files() {{ {{ timeout {FIND_SECONDS} find -H "$1" {_SKIP} -type f -printf "%T@ f\\n"; '
    'echo "exit $?"; } | awk -v now="$(date +%s)" "/^exit/ { code = \\$2; next } '
    '\\$1 > newest && \\$1 < now + 600 { newest = \\$1 } END { printf \\"%d %d %d\\", code, now, newest }"; echo; }',
    'begun=$(($(date +%s) - 1)); volume=$HOME/SageMaker; [ -d "$volume" ] || volume=.',
    f'{{ echo; echo "{FIRST_LINE} $$"; getconf CLK_TCK | say h; stats | say a; '
    # nvidia-smi may take seconds: so beside what takes as long, and where nothing else writes more than a line.
    f"{{ gpus | say g & }}; sleep {INTERVAL_SECONDS}; wait; "
    "ps -eww -o pid=,ppid=,user:32=,args= | cut -c1-400 | say p; stats | say b; "
    'grep -Ho "/system[.]slice/[^:]*[.]service" /proc/[0-9]*/cgroup | say c; '
    '{ gpus | say g & }; files "$volume" | say f; wait; '
    f'echo "{LAST_LINE} $$"; }} 2> /dev/null | tr -cd "[:print:]\\n"',
    f'sleep {HOLD_SECONDS}; [ -z "$(timeout {FIND_SECONDS} find -H "$volume" {_SKIP} '
    '-newermt "@$begun" ! -newermt "@$((begun + 600))" -print -quit 2> /dev/null; '
    f'[ $? -ne 124 ] || echo late)" ] || sleep {HOLD_AFTER_CHANGE_SECONDS}',
)

COMMAND = "unset HISTFILE; exec sh -c '" + "; ".join(_STEPS) + "'\r"
"""What is typed, with the return that sends it."""

COMMAND_ARGUMENTS = ("sh -c " + "; ".join(_STEPS))[:80]
"""How the command's line in ``ps`` begins, by which a look tells another that goes on at the same time."""
