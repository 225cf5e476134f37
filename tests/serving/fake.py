"""A service in a few lines, and the ways in which one can be bad; run by its own interpreter.

    python tests/serving/fake.py MODEL PORT HOW

Its answer is a feature divided by ten. It knows two features, and refuses what is not of them.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL, PORT, HOW = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
LOCK = threading.Lock()
STATE = {"down": False, "spoilt": False}


class RefusalError(Exception):
    pass


def answer(row: dict[str, Any]) -> dict[str, Any]:
    if HOW == "crash on missing" and "job" not in row:
        os._exit(3)
    if HOW == "hang on null" and row.get("age", 0) is None:
        time.sleep(30)
    if HOW == "error on level" and row.get("job") not in ("a", "b"):
        raise KeyError(row.get("job"))
    if HOW == "nan on range" and isinstance(row.get("age"), int) and row["age"] > 9:
        return {"score": float("nan")}
    if HOW == "drop on type" and isinstance(row.get("age"), str):
        raise ConnectionResetError
    if not isinstance(row.get("age"), int) or not 0 <= row["age"] <= 9:
        raise RefusalError("bad row" if HOW == "says nothing" else "age: not one of 0 to 9")
    if not isinstance(row.get("job"), str):
        raise RefusalError("job: not a text")
    return {"score": row["age"] / 10}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one packet an answer

    def log_message(self, *_arguments: object) -> None:
        pass

    def say(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.say(200, {})

    def do_POST(self) -> None:
        given = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            if self.path == "/update":
                self.update()
            else:
                self.predict(json.loads(given))
        except RefusalError as refusal:
            self.say(422, str(refusal))
        except ConnectionResetError:
            self.close_connection = True
        except KeyError as error:
            self.say(500, f"KeyError {error}")

    def predict(self, rows: Any) -> None:
        if STATE["down"] or STATE["spoilt"]:
            self.say(503, "down")
            return
        with LOCK:
            if HOW == "slow":
                time.sleep(0.012)
            if HOW == "stalls" and int(time.monotonic() * 2) % 2 and STATE.setdefault("now", True):
                STATE["now"] = False
                time.sleep(0.25)
        if isinstance(rows, list):
            many = [answer(row) for row in rows]
            shift = 0.01 if HOW == "other in a batch" else 0.0
            self.say(200, [{"score": one["score"] + shift} for one in many])
        else:
            self.say(200, answer(rows))

    def update(self) -> None:
        if HOW == "no update":
            self.say(404, "no such page")
            return
        if HOW == "down in an update":
            STATE["down"] = True
            time.sleep(0.15)
            STATE["down"] = False
        if MODEL.read_bytes() != b"a model" and HOW != "believes anything":
            STATE["spoilt"] = HOW == "spoilt by a broken model"
            self.say(409, "not a model")
            return
        self.say(200, "updated")


if HOW == "never starts":
    sys.exit("no module named torch")
ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
