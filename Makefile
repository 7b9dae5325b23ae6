# Everything runs in .venv, made from pinned versions; nothing else is needed than Python 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
DEFAULT := tensorflow-eager-by-default github-stars-2023 lightning-85pct-arxiv tensorflow-define-by-run-label \
           cnn-inference-pytorch-25pct-faster choose-pytorch-research

.PHONY: verify test test-slow check app benchmarks trust peers clean

verify: .venv/frameworks
	@$(BIN)/verify $(DEFAULT) --budget quick; status=$$?; \
	case $$status in 0|1|3|4) echo; $(BIN)/kb list | tail -1; \
	  echo "Stored in data/runs/. 'make app' opens them in a browser; '.venv/bin/kb list' lists all claims."; exit 0;; \
	*) exit $$status;; esac

test: .venv/test
	$(BIN)/pytest -n 2 --dist loadfile

# What takes minutes or needs packages from a registry, such as a real TorchServe.
test-slow: .venv/test
	$(BIN)/pytest -m slow

check: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/kb lint

app: .venv/frameworks
	$(BIN)/kb app

benchmarks: .venv/test
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/time_shares.py

# The proof that verdicts are true: simulated false verdicts, then live controls. Leave the machine alone meanwhile.
trust: .venv/test
	$(BIN)/python benchmarks/trust/simulate.py
	$(BIN)/python benchmarks/trust/live.py

# The same work under other tools. They lie apart, and see torch and numpy of .venv through a path file.
peers: .venv/test .venv-peers/done
	$(BIN)/python benchmarks/harness/run.py --budget 20 --repeats 10 --seed 1 --resume
	$(BIN)/python benchmarks/harness/report.py --write

.venv-peers/done: benchmarks/harness/requirements.txt
	command -v hyperfine >/dev/null || { echo "needs hyperfine: apt-get install hyperfine"; exit 1; }
	$(BIN)/python -m venv .venv-peers
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
	  "$$(.venv-peers/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/main.pth"
	.venv-peers/bin/pip install --quiet --disable-pip-version-check -r benchmarks/harness/requirements.txt
	@touch $@

clean:
	rm -rf .venv .venv-peers data/runs data/kb*.duckdb data/listing.json

.venv/frameworks: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), f'found Python {sys.version.split()[0]}, needs 3.11 or newer'"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[frameworks]'
	@touch $@

.venv/test: .venv/frameworks
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@
