"""Progress: one bar drawn over itself on a terminal, a few lines elsewhere."""

import io

import pytest

from chainrule_tutorials._progress import Progress


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        return True


def test_few_lines_where_nobody_watches() -> None:
    stream = io.StringIO()
    with Progress(1000, stream) as progress:
        for step in range(1, 1001):
            progress.update(step, 0.5)
    lines = stream.getvalue().splitlines()
    assert [line[:4] for line in lines] == [" 25%", " 50%", " 75%", "100%"]
    assert lines[0] == " 25%  step 250 of 1,000  loss 0.500"


@pytest.mark.parametrize("total", [1, 3, 99, 101, 12345])
def test_bar_grows_on_one_line_and_ends_full(total: int) -> None:
    stream = Terminal()
    with Progress(total, stream) as progress:
        for step in range(1, total + 1):
            progress.update(step, 1.0)
    drawn = stream.getvalue().split("\r")[1:]
    assert stream.getvalue().count("\n") == 1
    assert len(drawn) == min(total, 100)
    assert drawn[-1] == f"[{'#' * 30}] 100%  step {total:,} of {total:,}  loss 1.000\x1b[K\n"
    filled = [bar.count("#") for bar in drawn]
    assert filled == sorted(filled)


def test_line_is_ended_when_the_run_fails() -> None:
    stream = Terminal()
    progress = Progress(2, stream)
    progress.update(1, 1.0)
    with pytest.raises(KeyboardInterrupt), progress:
        raise KeyboardInterrupt
    assert stream.getvalue().endswith("\x1b[K\n")
