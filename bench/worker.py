"""One measurement in a process of its own: `python -m bench.worker MODULE ARGUMENTS`.

Calls `run(**arguments)` of the module and prints what it returns as one line of JSON. It imports
nothing before that, so that a module may time its own imports.
"""

import importlib
import json
import os
import sys
import warnings


def main() -> None:
    module, arguments = sys.argv[1:]
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the text that a library prints must not mix with the result
    warnings.simplefilter("ignore")
    figures = importlib.import_module(module).run(**json.loads(arguments))
    print(json.dumps(figures), file=answer, flush=True)


if __name__ == "__main__":
    main()
