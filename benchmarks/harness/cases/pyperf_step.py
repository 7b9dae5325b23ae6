"""The step under pyperf."""

import pyperf
from work import configured

pyperf.Runner().bench_func("step", configured())
