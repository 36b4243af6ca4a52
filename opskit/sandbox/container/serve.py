"""``python -m opskit.sandbox.container.serve FOLDER``: the model of a folder behind ``/ping`` and ``/invocations``.

The port it took is written to ``FOLDER/port`` once the model is loaded. With SAGEMAKER_BATCH set, predictions come
one a line, as batch transform wants them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opskit.sandbox.container import tables
from opskit.sandbox.container.failure import UserError, load_xgboost, write_failure
from opskit.sandbox.container.train import write_log
from opskit.sandbox.peer_user import is_own_peer

PORT_FILE = "port"
_JSON_TYPES = ("application/json", "json")
_JSON_LINES_TYPES = ("application/jsonlines", "jsonlines")
_CSV_TYPES = ("text/csv", "csv", "*/*", "")


class InvocationRefused(Exception):
    """An HTTP answer other than 200: its status and the message the user sees."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Predictor:
    """A loaded model; predictions are made one request at a time."""

    def __init__(self, folder: Path, *, batch: bool) -> None:
        self._booster = _load_booster(folder / "model")
        self._batch = batch
        self._lock = threading.Lock()

    def predict_rows(self, body: bytes, content_type: str, accept: str) -> tuple[str, bytes]:
        """The content type and body of the predictions for a request. Raises InvocationRefused."""
        data_format = self._input_format(content_type)
        columns = self._booster.num_features()
        try:
            features = tables.read_request_body(body.decode("utf-8", "replace"), data_format, columns)
        except UserError as error:
            raise InvocationRefused(415, str(error)) from error
        if features.shape[1] != columns:
            raise InvocationRefused(
                400,
                f"Unable to evaluate payload provided: Feature size of {data_format} inference data "
                f"{features.shape[1]} is not consistent with feature size of trained model {columns}.",
            )
        with self._lock:
            predictions = self._booster.predict(load_xgboost().DMatrix(features, nthread=1)).tolist()
        return self._encode_predictions(predictions, accept.partition(";")[0].strip().lower())

    def _input_format(self, content_type: str) -> tables.DataFormat:
        try:
            return tables.parse_data_format(content_type or "text/csv")
        except UserError as error:
            raise InvocationRefused(415, str(error)) from error

    def _encode_predictions(self, predictions: list[Any], accept: str) -> tuple[str, bytes]:
        if accept in _JSON_TYPES:
            scores = {"predictions": [{"score": score} for score in predictions]}
            return "application/json", json.dumps(scores).encode()
        if accept in _JSON_LINES_TYPES:
            lines = [json.dumps({"score": score}) for score in predictions]
            return "application/jsonlines", ("\n".join(lines) + "\n").encode()
        if accept not in _CSV_TYPES:
            raise InvocationRefused(
                415,
                f"{accept} is not an accepted Accept type. Please choose one of the following: "
                "['text/csv', 'application/json', 'application/jsonlines'].",
            )
        text = "\n".join(map(str, predictions)) + "\n" if self._batch else ",".join(map(str, predictions))
        return "text/csv; charset=utf-8", text.encode()


def _load_booster(folder: Path) -> Any:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    candidates = [path for path in files if path.name == "xgboost-model"] or files
    if not candidates:
        raise UserError("Unable to load model: the model archive is empty")
    module = load_xgboost()
    try:
        booster = module.Booster(model_file=bytearray(candidates[0].read_bytes()))
    except module.core.XGBoostError as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"Unable to load model: {candidates[0].name} is no xgboost model: {reason}") from error
    booster.set_param({"nthread": 1})
    return booster


class InvocationHandler(BaseHTTPRequestHandler):
    """The two paths every SageMaker container answers."""

    protocol_version = "HTTP/1.1"
    predictor: Predictor

    def do_GET(self) -> None:
        """Health: a model that is loaded is healthy."""
        self._send_response(200 if self.path == "/ping" else 404, "text/plain", b"")

    def do_POST(self) -> None:
        """Predict the rows of the body."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not body.strip():
            self._send_response(204, "text/plain", b"")
            return
        try:
            media_type, answer = self.predictor.predict_rows(
                body, self.headers.get("Content-Type") or "", self.headers.get("Accept") or ""
            )
        except InvocationRefused as refusal:
            write_log(str(refusal), "ERROR")
            self._send_response(refusal.status, "text/plain", str(refusal).encode())
            return
        self._send_response(200, media_type, answer)

    def _send_response(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        write_log(f'"{self.requestline}" {args[1] if len(args) > 1 else "-"}')


class OwnPeerServer(ThreadingHTTPServer):
    """A server on loopback that other users of this machine cannot ask."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return is_own_peer(client_address, request.getsockname()) is not False


def serve_model(folder: Path) -> int:
    """Serve until told to end; 1 with ``output/failure`` when the model cannot be loaded."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    warnings.simplefilter("ignore")
    try:
        predictor = Predictor(folder, batch=bool(os.environ.get("SAGEMAKER_BATCH")))
    except UserError as error:
        write_log(str(error), "ERROR")
        write_failure(folder, str(error))
        return 1
    InvocationHandler.predictor = predictor
    server = OwnPeerServer(("127.0.0.1", 0), InvocationHandler)
    write_log("Model loaded successfully")
    half = folder / f"{PORT_FILE}.half"
    half.write_text(str(server.server_port))
    # Renamed when it is whole: the sandbox polls for this file.
    half.rename(folder / PORT_FILE)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(serve_model(Path(sys.argv[1])))
