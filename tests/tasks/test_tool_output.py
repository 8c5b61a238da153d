"""What a tool says is kept as far as anybody needs it."""

import sys
import tracemalloc

from tasks.supervisor import supervise


def test_standard_output_goes_to_a_file_whole_and_its_end_is_kept(tmp_path):
    file = tmp_path / "report"

    ended = supervise(
        ["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo end"], deadline=10, stdout=file, tail_bytes=100
    )

    assert file.stat().st_size == 300_004
    assert ended.stdout_tail == "x" * 96 + "end\n"


def test_a_flood_of_output_takes_bounded_memory():
    program = "import os\nfor _ in range(4000): os.write(1, b'x' * 65536)"
    longest = 0

    def measure(line):
        nonlocal longest
        longest = max(longest, len(line))

    tracemalloc.start()
    try:
        ended = supervise([sys.executable, "-c", program], deadline=60, on_line=measure, tail_bytes=1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert ended.exit_code == 0
    assert len(ended.stdout_tail) == 1000
    assert longest <= 2 * 65_536
    assert peak < 3_000_000
