"""The block comes and goes, and what others wrote stays as it is, byte for byte."""

from __future__ import annotations

from itertools import takewhile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opskit.schedule.rules.crontab_block import BEGIN, END, build_block, remove_jobs, split_sections, upsert_jobs

STOP = b"*/30 * * * * /bin/opskit cron run stop-idle --quiet -- notebook stop --idle\n"
RESUME = b"*/10 * * * * /bin/opskit cron run resume --quiet -- quotas increase --resume\n"
OFTEN = STOP.replace(b"*/30", b"*/5")
JOBS = {"stop-idle": STOP, "resume": RESUME}

LINES = st.one_of(
    st.binary(max_size=30).map(lambda some: some.replace(b"\n", b"")),
    st.sampled_from([BEGIN, END, BEGIN + b"\r", b"  " + END + b" ", b"# >>> opskit", b"MAILTO=\xff\xfe", b"\r", b""]),
    st.sampled_from([STOP.strip(), build_block({}).split(b"\n")[1]]),
)
CRONTABS = st.builds(lambda lines, last: b"\n".join(lines) + last, st.lists(LINES, max_size=12), st.just(b"\n") | LINES)
CHOSEN = st.dictionaries(st.sampled_from(list(JOBS)), st.sampled_from([STOP, RESUME, OFTEN]), min_size=1).map(
    lambda chosen: {name: JOBS[name] for name in chosen}
)


def lines_outside(crontab: bytes) -> list[bytes]:
    """The lines outside opskit's blocks, found in another way than the product does: an end takes away what is
    opskit's before it, if a begin stands before that.
    """
    kept: list[bytes] = []
    for line in lines_of(crontab):
        ours = list(takewhile(lambda each: b"opskit cron" in each, reversed(kept)))
        begins = len(kept) > len(ours) and kept[-len(ours) - 1].strip() == BEGIN
        if line.strip() == END and begins:
            del kept[-len(ours) - 1 :]
            kept.append(b"cut")
        else:
            kept.append(line)
    return [line for line in kept if line != b"cut"]


def lines_of(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@given(CRONTABS, CHOSEN)
@example(b"\n" + build_block({}).rstrip(b"\n"), JOBS)
@example(BEGIN + b"\n" + build_block({}) + END + b"\n", JOBS)
def test_what_others_wrote_stays(crontab: bytes, chosen: dict[str, bytes]) -> None:
    block = build_block({**split_sections(crontab).jobs, **chosen})
    before, found, after = upsert_jobs(crontab, chosen).partition(block)
    assert found
    assert lines_of(before) + lines_of(after) == lines_outside(crontab)
    assert lines_of(remove_jobs(crontab)) == lines_outside(crontab)


@given(CRONTABS, CHOSEN)
def test_a_second_time_changes_nothing(crontab: bytes, chosen: dict[str, bytes]) -> None:
    once = upsert_jobs(crontab, chosen)
    assert upsert_jobs(once, chosen) == once
    assert len(split_sections(once).blocks) == 1
    assert split_sections(once).jobs.items() >= chosen.items()


@given(CRONTABS, CHOSEN)
def test_what_was_put_in_comes_out(crontab: bytes, chosen: dict[str, bytes]) -> None:
    clean = crontab
    while split_sections(clean).blocks:  # the halves around a block are one when it is gone
        clean = remove_jobs(clean)
    ended = clean if not clean or clean.endswith(b"\n") else clean + b"\n"
    assert remove_jobs(upsert_jobs(clean, chosen)) == ended


@given(CRONTABS)
def test_a_crontab_is_cut_and_not_changed(crontab: bytes) -> None:
    cut = split_sections(crontab)
    pieces = [piece for pair in zip(cut.around, (*cut.blocks, b""), strict=True) for piece in pair]
    assert b"".join(pieces) == crontab


def test_a_job_joins_those_that_are_there_and_takes_the_place_of_itself() -> None:
    crontab = b"MAILTO=me\n" + build_block({"stop-idle": STOP}) + b"0 1 * * * mine"
    both = upsert_jobs(crontab, {"resume": RESUME})
    assert both == b"MAILTO=me\n" + build_block(JOBS) + b"0 1 * * * mine"
    changed = upsert_jobs(both, {"stop-idle": OFTEN})
    assert changed == b"MAILTO=me\n" + build_block({"stop-idle": OFTEN, "resume": RESUME}) + b"0 1 * * * mine"
    assert remove_jobs(changed, ("stop-idle",)) == b"MAILTO=me\n" + build_block({"resume": RESUME}) + b"0 1 * * * mine"
    assert remove_jobs(changed, ("stop-idle", "resume")) == b"MAILTO=me\n0 1 * * * mine"


def test_lines_of_others_between_the_marks_stay() -> None:
    edited = BEGIN + b"\n0 1 * * * mine\n" + STOP + END + b"\n"
    assert remove_jobs(edited) == edited
    assert upsert_jobs(edited, {"resume": RESUME}) == edited + build_block({"resume": RESUME})
    assert split_sections(edited).unmatched_markers == 2


def test_two_blocks_become_one() -> None:
    doubled = build_block({"stop-idle": STOP}) + b"x\n" + build_block({"stop-idle": OFTEN})
    assert upsert_jobs(doubled, {"stop-idle": STOP}) == build_block({"stop-idle": STOP}) + b"x\n"


@pytest.mark.parametrize(
    ("crontab", "halves"),
    [
        (b"", 0),
        (BEGIN + b"\nx\n", 1),
        (END + b"\n", 1),
        (build_block(JOBS), 0),
        (BEGIN + b"\n" + build_block(JOBS) + END, 2),
    ],
)
def test_half_a_block_is_somebody_elses(crontab: bytes, halves: int) -> None:
    assert split_sections(crontab).unmatched_markers == halves
    assert b"stop-idle" not in remove_jobs(crontab)
