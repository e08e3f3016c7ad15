"""What a process may do differently than the next: the order in which a map is walked."""

import subprocess
import sys


def test_a_map_is_walked_the_same_way_in_every_process() -> None:
    keys = "abcdefghij"
    text = f"inputs.map(k, k) + inputs.transformList(k, v, k) + inputs.filter(k, true) == {list(keys) * 3}"
    code = "from pratique.core.judging.expressions import compile_expression as c;" + (
        f"print(c({text!r}, ('inputs',)).evaluate({{'inputs': {dict.fromkeys(keys, 1)}}}))"
    )
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "True"
