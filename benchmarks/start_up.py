"""Wall time of the command line's first word: `acn-eval --help`, and of a bare interpreter.

python benchmarks/start_up.py [--runs 10]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path


def fastest_and_median(command: list[str], runs: int) -> tuple[float, float]:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times), sorted(times)[runs // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    script = str(Path(sys.executable).parent / "acn-eval")
    for name, command in {
        "python -c pass": [sys.executable, "-c", "pass"],
        "acn-eval --help": [script, "--help"],
        "acn-eval robustness --help": [script, "robustness", "--help"],
    }.items():
        low, middle = fastest_and_median(command, runs)
        print(f"{name:28} fastest {low:.3f} s, median {middle:.3f} s of {runs}")


if __name__ == "__main__":
    main()
