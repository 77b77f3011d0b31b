"""Matrix products in PyTorch: `gemm.py CASES MILLISECONDS` prints median and best seconds by threads and case."""

import json
import statistics
import sys
import time

import torch

cases, patience = json.loads(sys.argv[1]), float(sys.argv[2]) / 2e3
results = {}
for threads in (1, 2):
    torch.set_num_threads(threads)
    rows = []
    for case in cases:
        a = torch.rand(case["m"], case["k"]) - 0.5
        b = torch.rand(*((case["n"], case["k"]) if case["transposed"] else (case["k"], case["n"]))) - 0.5
        b = b.T if case["transposed"] else b
        seconds = []
        begin = time.perf_counter()
        while len(seconds) < 5 or time.perf_counter() - begin < patience:
            start = time.perf_counter()
            a @ b
            seconds.append(time.perf_counter() - start)
        rows.append({"median": statistics.median(seconds), "best": min(seconds)})
    results[threads] = rows
print(json.dumps(results))
