"""Rows of a journal: numbers and text of what a search knows, and a checksum."""

from __future__ import annotations

import json
import math
import zlib
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np

from .._records import Candidate, Evaluation
from ._errors import Unusable

__all__ = [
    "RUNS",
    "candidate_of",
    "candidate_row",
    "checked",
    "evaluation_of",
    "execute",
    "fit_row",
    "header_of",
    "insert",
    "is_same_point",
    "key_of",
    "run_row",
    "suggested",
    "suggestion_of",
]

RUNS = "SELECT id, key, kind, parts, header, created, finished, owner, checksum FROM runs"
_UNCHECKED = {"id", "run", "splits", "finished", "owner", "checksum"}


def execute(connection, statement, *values):
    # All of them: a statement that is not at its end keeps the file open.
    return connection.execute(statement, values).fetchall()


def insert(connection, table, key, row):
    row = {**row, "checksum": _checksum(table, key, row)}
    marks = ", ".join("?" * len(row))
    statement = f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})"
    return connection.execute(statement, tuple(row.values())).lastrowid


def _checksum(table, key, row):
    names = sorted(set(row) - _UNCHECKED)
    content = [_digest(row[n]) if isinstance(row[n], bytes) else row[n] for n in names]
    return _digest(json.dumps([table, key, names, content]).encode())


def _digest(content):
    return blake2b(content, digest_size=16).hexdigest()


def checked(row, table, key):
    row = dict(row)
    if row["checksum"] != _checksum(table, key, row):
        raise Unusable(f"it is damaged (checksum of a row of {table})")
    return row


def key_of(kind, parts):
    return _digest(json.dumps([kind, sorted(parts.items())]).encode())


def run_row(kind, parts, header):
    shapes, splits = _pack(header["splits"])
    header = {**header, "splits": shapes, "digest_of_splits": _digest(splits)}
    return {
        "key": key_of(kind, parts),
        "kind": kind,
        "parts": _text(parts),
        "header": _text(header),
        "splits": splits,
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def header_of(connection, run):
    header = json.loads(run["header"])
    ((splits,),) = execute(connection, "SELECT splits FROM runs WHERE id = ?", run["id"])
    if header.pop("digest_of_splits") != _digest(splits):
        raise Unusable("it is damaged (checksum of the splits)")
    if not {"seed", "window", "n_iter", "metric", "versions"} <= header.keys():
        raise Unusable("it is damaged (header of a run)")
    return {**header, "splits": _unpack(header["splits"], splits)}


def _pack(splits):
    """Return kind and length of each index array, and all of them in one."""
    arrays = [np.asarray(indices) for split in splits for indices in split]
    if any(a.ndim != 1 or a.dtype.kind not in "biu" for a in arrays):
        raise ValueError("cv must give arrays of indices or masks for a journal to keep.")
    shapes = [[a.dtype.kind, len(a)] for a in arrays]
    joined = np.concatenate([np.empty(0, "<i8"), *arrays]).astype("<i8")
    # Differences of sorted indices are small and repeat themselves.
    packed = zlib.compress(np.diff(joined, prepend=0).tobytes(), 1)
    return [shapes[i : i + 2] for i in range(0, len(shapes), 2)], packed


def _unpack(shapes, packed):
    joined = np.cumsum(np.frombuffer(zlib.decompress(packed), "<i8"), dtype=np.intp)
    ends = np.cumsum([n for split in shapes for _, n in split], dtype=int)
    arrays = iter(np.split(joined, ends))
    return [
        tuple(next(arrays).astype(bool if kind == "b" else np.intp) for kind, _ in split)
        for split in shapes
    ]


def suggested(candidate):
    return candidate.point, candidate.source, candidate.parents, getattr(candidate, "draw", -1)


def candidate_row(candidate):
    point, source, parents, draw = suggested(candidate)
    return {
        "candidate": candidate.id,
        "params": _text({name: _readable(value) for name, value in candidate.params.items()}),
        "point": None if point is None else _text(point.tolist()),
        "source": _storable(source),
        "parents": _text(parents),
        "draw": int(draw),
    }


def suggestion_of(row):
    point = None if row["point"] is None else np.array(list(map(_float, json.loads(row["point"]))))
    return point, row["source"], tuple(json.loads(row["parents"])), row["draw"]


def candidate_of(row):
    point, source, parents, _ = suggestion_of(row)
    return Candidate(row["candidate"], json.loads(row["params"]), point, source, parents)


def is_same_point(a, b):
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b, equal_nan=True) or np.allclose(a, b, atol=1e-6, equal_nan=True)


def fit_row(evaluation, attempt):
    task, predictions = evaluation.task, evaluation.predictions
    if predictions is not None:
        predictions = np.ascontiguousarray(predictions, dtype="<f8")
    return {
        "candidate": task.candidate.id,
        "split": int(task.split),
        "resource": None if task.resource is None else float(task.resource),
        "attempt": attempt,
        "status": evaluation.status,
        "scores": _text(evaluation.scores),
        "train_scores": None if evaluation.train_scores is None else _text(evaluation.train_scores),
        "multimetric": int(evaluation.multimetric),
        "fit_time": _number(evaluation.fit_time),
        "score_time": _number(evaluation.score_time),
        "error": None if evaluation.error is None else _storable(evaluation.error),
        "shape": None if predictions is None else _text(predictions.shape),
        "predictions": None if predictions is None else predictions.tobytes(),
    }


def evaluation_of(row, task):
    train, shape = row["train_scores"], row["shape"]
    return Evaluation(
        task,
        _scores(row["scores"]),
        _float(row["fit_time"]),
        _float(row["score_time"]),
        row["status"],
        row["error"],
        None if train is None else _scores(train),
        None if shape is None else _predictions(row["predictions"], json.loads(shape)),
        bool(row["multimetric"]),
    )


def _predictions(content, shape):
    return np.frombuffer(content, "<f8").reshape(shape).astype(float)


def _scores(text):
    return {name: _float(score) for name, score in json.loads(text).items()}


def _float(value):
    return math.nan if value is None else float(value)


def _number(value):
    """A float as the database has it, where NaN is NULL."""
    return None if math.isnan(value) else float(value)


def _text(value):
    """JSON that any reader takes, with every float exact: NaN is null, infinity 1e999."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(str(k))}: {_text(v)}' for k, v in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else f"{math.copysign(1, value):.0f}e999"
    return _storable(json.dumps(value, ensure_ascii=False))


def _storable(text):
    """Text without the lone surrogates that file names in tracebacks may have."""
    return text.encode("utf-8", "backslashreplace").decode()


def _readable(value, length=200):
    """What people want to see of the value of a parameter."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in (bool, int, type(None)) or (type(value) is float and math.isfinite(value)):
        return value
    try:
        text = value if type(value) is str else repr(value)
    except Exception:  # the repr of somebody's class
        text = f"<{type(value).__name__}>"
    return text if len(text) <= length else f"{text[: length - 3]}..."
