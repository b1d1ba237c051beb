"""Runs a command on a pseudo-terminal and answers its questions, one after the other.

python3 terminal.py ANSWERS COMMAND [ARGUMENT ...]: ANSWERS is a JSON list. Each is typed once the command
has printed "]: ", or that Ctrl-C ends it, anew; "^C" and "^D" are those keys. Prints what the terminal showed, and ends with
the command's exit status.
"""

import json
import os
import pty
import select
import sys
import time

answers = json.loads(sys.argv[1])
deadline = time.monotonic() + 60
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])

shown = b""
asked = 0
while time.monotonic() < deadline:
    if not select.select([terminal], [], [], 1)[0]:
        continue
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if answers and any(sign in shown[asked:] for sign in (b"]: ", b"Ctrl-C ends it")):
        asked = len(shown)
        answer = answers.pop(0)
        keys = {"^C": b"\x03", "^D": b"\x04"}
        os.write(terminal, keys.get(answer, answer.encode() + b"\r"))

sys.stdout.buffer.write(shown)
sys.stdout.flush()
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
