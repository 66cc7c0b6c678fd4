"""Submissions that do harm, or try to get points for nothing; each says what it should get."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from types import FunctionType

from course_lib.exercises import Exercise

from .notebooks import Notebook, as_bytes, blank, solved, with_answer, with_cell


@dataclass(frozen=True)
class Hostile:
    """A hostile submission.

    Attributes:
        name: what it does.
        target: what it should get for the lesson's first exercise; may be `wrong or error`.
        others: what it should get for all others.
        body: statements of its answer to the first exercise, which is a function or class.
        answer: the whole cell of that answer, instead of its body.
        cell: a cell of its own, at the top.
        stubs: whether everything but that is left as it was handed out.
        alike: whether the answer is right and reads or behaves like the reference.
        of_function: whether it is meant for an exercise whose answer is a function.
        of_tensor: whether it is meant for one whose answer returns a tensor.
    """

    name: str
    target: str = "right"
    others: str = "right"
    body: str = ""
    answer: str = ""
    cell: str = ""
    stubs: bool = False
    alike: bool = False
    of_function: bool = False
    of_tensor: bool = False

    def make(self, lesson: str, first: Exercise) -> bytes:
        """The submission as a file.

        Args:
            lesson: which lesson it answers.
            first: the lesson's first exercise.
        """
        notebook = blank(lesson) if self.stubs else solved(lesson)
        names = {"answer": first.answer, "exercise": first.name}
        if self.body:
            source = _define(first.answer, self.body, first.reference)
            notebook = with_answer(notebook, first.name, source)
        if self.answer:
            own = _source_of(solved(lesson), first.name)
            source = _filled(self.answer, {**names, "own": own})
            notebook = with_answer(notebook, first.name, source)
        if self.cell:
            notebook = with_cell(notebook, _filled(self.cell, names))
        return as_bytes(notebook)

    def due(self, first: Exercise) -> str:
        """What it should get for the lesson's first exercise."""
        constructs = isinstance(first.reference, type) and not _is_rule(first.reference)
        # a class's __init__ must not return anything
        return "error" if constructs and self.body and self.target == "wrong" else self.target


def _is_rule(reference: type) -> bool:
    return any(base.__name__ == "Function" for base in reference.__mro__)


def _define(answer: str, body: str, reference: object) -> str:
    inner = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    if not isinstance(reference, type):
        return f"def {answer}(*args, **kwargs):\n{inner}\n"
    rule = ("torch.autograd.Function", "staticmethod(_do)")
    base, do = rule if _is_rule(reference) else ("object", "_do")
    members = vars(reference).items()
    names = [name for name, value in members if isinstance(value, FunctionType | staticmethod)]
    head = f"import torch\n\n\ndef _do(*args, **kwargs):\n{inner}\n\n\n"
    return f"{head}class {answer}({base}):\n    {' = '.join(names)} = {do}\n"


def _filled(template: str, names: dict[str, str]) -> str:
    text = textwrap.dedent(template).strip()
    for name, value in names.items():
        text = text.replace(f"<{name}>", value)
    return text


def _source_of(notebook: Notebook, exercise: str) -> str:
    cell = next(cell for cell in notebook["cells"] if cell["id"] == f"answer-{exercise}")
    return "".join(cell["source"])


_REFERENCE = 'from course_lib.exercises.engine.registry import find_exercise\n\
reference = find_exercise("<exercise>").reference\n'

# the right tensor, handed on in another form
_CHANGED = """
<own>
_own = <answer>
def <answer>(*args, **kwargs):
    import torch
    x = _own(*args, **kwargs)
    return {}
"""

ANSWERS = [
    Hostile("an endless loop", "error", body="while True: pass"),
    Hostile(
        "a loop that catches everything",
        "error",
        body="""
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
    ),
    Hostile(
        "a loop that ignores signals",
        "error",
        body="""
        import signal
        for number in signal.valid_signals():
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True: pass
        """,
    ),
    Hostile(
        "a fork bomb",
        "error",
        body="""
        import os
        while True:
            try: os.fork()
            except OSError: pass
        """,
    ),
    Hostile(
        "a memory bomb",
        "error",
        body="""
        hoard = []
        while True: hoard.append(bytearray(b'x') * (64 << 20))
        """,
    ),
    Hostile(
        "memory in many processes",
        "error",
        body="""
        import os, time
        for _ in range(12):
            if os.fork() == 0:
                hoard = b'x' * (900 << 20)
                time.sleep(60)
                os._exit(0)
        time.sleep(60)
        """,
    ),
    Hostile("SystemExit", "error", body="raise SystemExit(0)"),
    Hostile("os._exit", "error", body="import os; os._exit(0)"),
    Hostile("killing itself", "error", body="import os, signal; os.kill(os.getpid(), 9)"),
    Hostile("a crash", "error", body="import ctypes; ctypes.string_at(0)"),
    Hostile(
        "__eq__ that is always true",
        "wrong",
        of_function=True,
        body="""
        class Yes:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __bool__(self): return True
            __hash__ = object.__hash__
            __array__ = None
        return Yes()
        """,
    ),
    Hostile(
        "a tensor that agrees with everything",
        "wrong",
        of_function=True,
        body="""
        import torch
        class Agreeable(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                name = getattr(function, '__name__', '')
                if name in ('allclose', 'equal'): return True
                if name in ('sub', '__sub__', '__rsub__'): return torch.zeros(1)
                return super().__torch_function__(function, types, args, kwargs or {})
        return torch.zeros(2, 3, 4, 5).as_subclass(Agreeable)
        """,
    ),
    Hostile(
        "an object that lies about its shape and dtype",
        "wrong",
        of_function=True,
        body="""
        import torch
        class Liar:
            shape = torch.Size([1, 3, 10, 9])
            dtype = torch.float64
            def __getattr__(self, name): return lambda *a, **k: self
            def __array__(self, *a, **k): raise KeyError('no')
            def __float__(self): return 0.0
        return Liar()
        """,
    ),
    Hostile(
        "an object that says its class is a tensor's",
        "wrong",
        of_function=True,
        body="""
        import torch
        class Liar:
            __class__ = property(lambda self: torch.Tensor)
            layout = torch.strided
            def __torch_function__(self, *args, **kwargs): return True
            def __reduce__(self): return (eval, ("__import__('os')._exit(3)",))
            def __getattr__(self, name): return lambda *a, **k: self
        return Liar()
        """,
    ),
    Hostile(
        "text with methods of its own",
        "wrong",
        of_function=True,
        body="""
        class Text(str):
            def __getitem__(self, place): return object()
            def __repr__(self): raise SystemExit
            def __len__(self): return -1
        return Text('x')
        """,
    ),
    Hostile(
        "a row without end",
        "wrong",
        of_function=True,
        body="import itertools; return itertools.count()",
    ),
    Hostile(
        "a list in itself",
        "wrong",
        of_function=True,
        body="own = []; own.append(own); return own",
    ),
    Hostile(
        "a number of millions of digits",
        "wrong",
        of_function=True,
        body="return 1 << 50_000_000",
    ),
    Hostile(
        "a quantized tensor",
        "wrong or error",
        of_tensor=True,
        answer=_CHANGED.format("torch.quantize_per_tensor(x.float(), 0.1, 0, torch.qint8)"),
    ),
    Hostile(
        "a tensor without values",
        "wrong or error",
        of_tensor=True,
        answer=_CHANGED.format("x.to('meta')"),
    ),
    Hostile(
        "a sparse tensor",
        "wrong",
        of_tensor=True,
        answer=_CHANGED.format("x.to_sparse()"),
    ),
    Hostile("printing without end", "error", body="while True: print('x', end='')"),
    Hostile(
        "an error that can't be printed",
        "error",
        body="""
        class Unspeakable(BaseException):
            def __str__(self): raise SystemExit(1)
            __repr__ = __str__
        Unspeakable.__name__ = 'E' * 1_000_000
        raise Unspeakable
        """,
    ),
    Hostile(
        "a search for the seeds in memory",
        "error",
        of_function=True,
        body="""
        import gc
        lists = [found for found in gc.get_objects() if type(found) is list and len(found) == 3]
        raise ValueError([found for found in lists if all(type(i) is int for i in found)])
        """,
    ),
    Hostile(
        "nothing finite",
        "wrong",
        body="import torch; return torch.full((1, 3, 10, 9), float('nan'))",
    ),
    Hostile(
        "a tensor without end",
        "wrong or error",
        body="""
        import torch
        return torch.zeros(1, dtype=torch.float64).expand(1 << 33)
        """,
    ),
]

RIGHT = [
    Hostile(
        "100 MB printed",
        answer="""
        <own>
        import os
        for _ in range(100):
            print('x' * (1 << 20))
            os.write(1, b'x' * (1 << 20))
        """,
    ),
    Hostile(
        "a warning on stderr",
        answer="""
        <own>
        import sys, warnings
        warnings.warn('mind this')
        sys.stderr.write('careful')
        """,
    ),
    Hostile(
        "a slow answer",
        of_function=True,
        answer="""
        <own>
        _quick = <answer>
        def <answer>(*args, **kwargs):
            import time
            time.sleep(0.02)
            return _quick(*args, **kwargs)
        """,
    ),
    Hostile(
        "an answer that is right up to rounding",
        of_tensor=True,
        answer="""
        <own>
        _exact = <answer>
        def <answer>(*args, **kwargs):
            return _exact(*args, **kwargs) * (1 - 3e-7)
        """,
    ),
    Hostile(
        "a helper of its own",
        answer="def _help(f):\n    return f\n\n<own>\n<answer> = _help(<answer>)",
    ),
]

CELLS = [
    Hostile("SystemExit in a cell", cell="raise SystemExit(0)"),
    Hostile("os._exit in a cell", cell="import os\nos._exit(0)"),
    Hostile(
        "an endless cell that ignores signals",
        cell="import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
    ),
    Hostile(
        "killing its parent and all others",
        cell="""
        import os, signal
        for victim in (os.getppid(), 1, 2, 0, -1):
            try: os.kill(victim, signal.SIGKILL)
            except OSError: pass
        """,
    ),
    Hostile(
        "a file that fills the disk",
        cell="""
        import os, tempfile
        for folder in ('.', '/', '/tmp', '/dev', '/dev/shm', tempfile.gettempdir()):
            for number in range(20):
                try:
                    with open(f'{folder}/fill-{number}', 'wb') as file:
                        for _ in range(1000): file.write(b'x' * (1 << 20))
                except OSError: pass
        """,
    ),
    Hostile(
        "writing where the grades might be",
        cell="""
        import os
        for folder in ('..', '/', '/work', '/root', '/home', '/course', os.path.expanduser('~')):
            for name in ('grades.csv', 'results.jsonl', 'course_lib/__init__.py'):
                try: open(os.path.join(folder, name), 'w').write('student,points')
                except OSError: pass
        """,
    ),
    Hostile(
        "hooks, threads and daemons",
        cell="""
        import atexit, os, signal, sys, threading, time
        atexit.register(lambda: os._exit(3))
        class Hook:
            def find_spec(self, name, path=None, target=None):
                if name.startswith('course_lib'): raise ImportError('no')
        sys.meta_path.insert(0, Hook())
        class Late:
            def __del__(self): print('too late')
        late = Late()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        def busy():
            while True: time.sleep(0.01)
        threading.Thread(target=busy, daemon=True).start()
        threading.Thread(target=busy).start()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(3600)
            os._exit(0)
        """,
    ),
    Hostile(
        "the network and the GPU",
        cell="""
        import socket, torch
        for address in (('1.1.1.1', 53), ('127.0.0.1', 22), ('localhost', 80)):
            try:
                socket.create_connection(address, 1).sendall(b'hello')
                raise SystemExit('connected')
            except OSError: pass
        assert not torch.cuda.is_available()
        torch.zeros(1).cuda()
        """,
    ),
    Hostile(
        "settings of all kinds",
        cell="""
        import os, signal, sys, warnings
        import numpy, torch
        torch.manual_seed = lambda seed: None
        torch.set_default_dtype(torch.float16)
        torch.set_grad_enabled(False)
        torch.inference_mode().__enter__()
        torch.autocast('cpu').__enter__()
        torch.set_default_device('meta')
        torch.use_deterministic_algorithms(True)
        numpy.seterr(all='raise')
        warnings.simplefilter('error')
        os.chdir('/')
        os.environ.clear()
        sys.path.clear()
        sys.meta_path.clear()
        sys.stdout = sys.stderr = None
        """,
    ),
    Hostile(
        "modes of torch that are never left",
        cell="""
        from torch.overrides import TorchFunctionMode
        from torch.utils._python_dispatch import TorchDispatchMode
        def stop(self, *args, **kwargs): raise SystemExit(1)
        type('F', (TorchFunctionMode,), {'__torch_function__': stop})().__enter__()
        type('D', (TorchDispatchMode,), {'__torch_dispatch__': stop})().__enter__()
        """,
    ),
    Hostile(
        "import and trace of its own",
        cell="""
        import builtins, sys, threading
        real = builtins.__import__
        def mine(name, *args, **kwargs):
            if name.startswith('course_lib'): raise ImportError('no')
            return real(name, *args, **kwargs)
        def trace(frame, event, argument): raise KeyError(event)
        builtins.__import__ = mine
        threading.settrace(trace)
        sys.settrace(trace)
        """,
    ),
    Hostile("closing all files", cell="import os\nos.closerange(0, 4096)"),
    Hostile("forgetting all names", cell="globals().clear()"),
    Hostile("bytes and characters that are none", cell="x = 1\x00\n# \ud800\ny = '\\ud800'"),
    Hostile("two arguments of one name", cell="def mine(a, a):\n    return a"),
    Hostile("a sum of 2,500 numbers", cell=f"x = 1{' + 1' * 2500}"),
    Hostile("a hundred thousand lines", cell="x = 1\n" * 100_000),
    Hostile("a thousand magics", cell="%time\n" * 1000),
    Hostile("magics and commands", cell="%matplotlib inline\n!rm -rf /\n%%bash\necho hello"),
    Hostile(
        "HTML in what it says",
        "error",
        of_function=True,
        answer="""
        def <answer>(*args, **kwargs):
            raise ValueError('<script>alert(1)</script><img src=x onerror=alert(2)>')
        """,
    ),
    Hostile(
        "half characters",
        "error",
        of_function=True,
        answer="def <answer>(*args, **kwargs):\n    raise ValueError('\\udce4\\x00\\x1b[31m')",
    ),
]

CHEATS = [
    Hostile(
        "functions of its own that are called check, hint and print",
        "not attempted",
        "not attempted",
        stubs=True,
        cell="""
        def check(name, answer): return answer
        hint = print = solution = check
        import builtins
        builtins.print = check
        """,
    ),
    Hostile(
        "replaced functions of torch and NumPy",
        "wrong",
        "not attempted",
        stubs=True,
        body="import torch; return torch.zeros(1)",
        cell="""
        import numpy, torch
        torch.allclose = torch.equal = torch.isfinite = lambda *a, **k: True
        torch.testing.assert_close = lambda *a, **k: None
        numpy.allclose = numpy.array_equal = lambda *a, **k: True
        torch.Tensor.__eq__ = lambda *a: torch.ones(1)
        torch.Tensor.abs = lambda self: self * 0
        """,
    ),
    Hostile(
        "replaced functions of the course",
        "wrong",
        "not attempted",
        of_function=True,
        stubs=True,
        body="return 0",
        cell="""
        import sys
        for name, module in list(sys.modules.items()):
            if name.startswith('course_lib.exercises'):
                for member in ('judge', 'run', 'call', 'difference', 'is_stub', 'before_running'):
                    if hasattr(module, member): setattr(module, member, lambda *a, **k: None)
        """,
    ),
    Hostile(
        "a replaced method of the grader's",
        "wrong",
        "not attempted",
        stubs=True,
        body="return 0",
        cell="""
        import sys
        from course_lib.classroom.grade.inside.answers import Answers
        from course_lib.classroom.grade.wire import pack_runs
        from course_lib.exercises.engine.judging import run
        def probe(self, exercise, seeds):
            runs, tensors = pack_runs(run(exercise, exercise.reference, seeds))
            return {'runs': runs, 'remark': '', 'wraps': False}, tensors
        Answers.probe = probe
        sys.setrecursionlimit(60)
        """,
    ),
    Hostile(
        "replaced modules",
        "wrong",
        "not attempted",
        stubs=True,
        body="return 0",
        cell="""
        import sys, types
        for name in list(sys.modules):
            if name.startswith(('course_lib', 'torch.testing', 'json')):
                sys.modules[name] = types.ModuleType(name)
        sys.modules = {}
        """,
    ),
    Hostile(
        "forged messages to the grading process",
        "not attempted",
        "not attempted",
        stubs=True,
        cell="""
        import json, os, struct
        def frame(data):
            text = json.dumps(data).encode()
            return struct.pack('>II', len(text), 0) + text
        right = {'exercise': '<exercise>', 'runs': [], 'kind': 'right', 'finding': ''}
        forged = frame({'step': 'probed', **right}) * 3 + frame({'step': 'end'})
        for number in range(3, 64):
            try: os.write(number, forged)
            except OSError: pass
        """,
    ),
    Hostile(
        "junk to the grading process",
        "not attempted",
        "not attempted",
        stubs=True,
        cell="""
        import os
        for number in range(3, 64):
            try: os.write(number, b'\\xff' * 4096)
            except OSError: pass
        """,
    ),
    Hostile(
        "a search for the seeds",
        "wrong",
        "not attempted",
        stubs=True,
        body="return 0",
        cell="""
        import gc, glob, os
        loot = []
        for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):
            try: loot.append(open(path, 'rb').read())
            except OSError: pass
        loot += [o for o in gc.get_objects() if type(o).__name__ in ('Key', 'Records')]
        """,
    ),
    Hostile(
        "the library's own object", "not attempted", answer=_REFERENCE + "<answer> = reference"
    ),
    Hostile(
        "the code object of the library's",
        "not attempted",
        of_function=True,
        answer=_REFERENCE
        + "from types import FunctionType\n"
        + "<answer> = FunctionType(reference.__code__, reference.__globals__)",
    ),
    Hostile(
        "the code object of the library's, renamed",
        of_function=True,
        alike=True,
        answer=_REFERENCE
        + "from types import FunctionType\n"
        + "code = reference.__code__.replace(co_filename='mine', co_name='mine')\n"
        + "<answer> = FunctionType(code, reference.__globals__)",
    ),
    Hostile(
        "the library's source, run under another name",
        of_function=True,
        alike=True,
        answer=_REFERENCE
        + "import inspect, sys\n"
        + "source = inspect.getsource(reference).replace('def ', 'def my_', 1)\n"
        + "space = dict(vars(sys.modules[reference.__module__]))\n"
        + "exec(source, space)\n"
        + "<answer> = space['my_' + reference.__name__]",
    ),
    Hostile(
        "what check gives back",
        "not attempted",
        answer="from course_lib import check\n<answer> = check('<exercise>', None)",
    ),
    Hostile(
        "a wrapper of the library's",
        of_function=True,
        alike=True,
        answer=_REFERENCE + "def <answer>(*args, **kwargs):\n    return reference(*args, **kwargs)",
    ),
]

ALL = [*ANSWERS, *RIGHT, *CELLS, *CHEATS]


def suited(first: Exercise) -> list[Hostile]:
    """The submissions that mean what they say where this is a lesson's first exercise."""
    returned = getattr(first.reference, "__annotations__", {}).get("return")
    is_function = not isinstance(first.reference, type)
    of_tensor = is_function and returned == "Tensor"
    return [
        case
        for case in ALL
        if (is_function or not case.of_function) and (of_tensor or not case.of_tensor)
    ]
