#!/usr/bin/env python3
"""Writes the seeds that are valid input: frames of every kind, messages of every type and every choice, Redis replies.

    PYTHONPATH=clients/python/src Tests/Fuzz/seeds.py

Files of other names in the seed folders, as findings are, stay as they are.
"""

import pathlib
import struct

from analysis.v1 import (
    alerts_pb2, analyzer_pb2, audit_pb2, catalog_pb2, health_pb2, jobs_pb2, maintenance_pb2, metrics_pb2,
    operations_pb2, progress_pb2, queue_pb2, reflection_pb2, workers_pb2)
from analysis.v1.frame_pb2 import Frame, Header
from google.protobuf.descriptor import FieldDescriptor as Field

SEEDS = pathlib.Path(__file__).parent / "seeds"


def write(target: str, name: str, content: bytes):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


# Frames. A connection starts with HELLO.

HELLO = Frame(kind=Frame.HELLO, version=1, credit=262144, max_message_bytes=4 << 20, max_streams=1000)
METADATA = [Header(name="user", value="demo".encode()), Header(name="trace-bin", value=b"\x00\xff")]
FRAMES = {
    "hello": [],
    "call": [
        Frame(kind=Frame.CALL, stream=1, method="analysis.v1.Queue/Enqueue", metadata=METADATA, timeout_us=5_000_000,
              payload=b"\x0a\x01a", has_message=True, end=True)
    ],
    "upload": [
        Frame(kind=Frame.CALL, stream=1, method="analysis.v1.Progress/Report"),
        Frame(kind=Frame.MESSAGE, stream=1, payload=b"\x08\x01", has_message=True),
        Frame(kind=Frame.MESSAGE, stream=1, has_message=True, end=True),
        Frame(kind=Frame.END, stream=1),
    ],
    "download": [
        Frame(kind=Frame.MESSAGE, stream=1, payload=b"\x08\x01", has_message=True, metadata=METADATA),
        Frame(kind=Frame.STATUS, stream=1, metadata=METADATA, payload=b"\x08\x02", has_message=True),
    ],
    "refusal": [
        Frame(kind=Frame.STATUS, stream=3, status=8, detail="too many", retry_after_us=250_000, metadata=METADATA)
    ],
    "flow": [Frame(kind=Frame.CREDIT, stream=1, credit=65536), Frame(kind=Frame.CANCEL, stream=1)],
    "keepalive": [Frame(kind=Frame.PING, payload=b"12345678"), Frame(kind=Frame.PONG, payload=b"12345678")],
    "goaway": [Frame(kind=Frame.GOAWAY, last_stream=7, status=14, detail="the server is stopping")],
}


def framed(frame: Frame) -> bytes:
    content = frame.SerializeToString()
    return struct.pack(">I", len(content)) + content


# Messages: every field set, once per member of a oneof.

EXTREMES = {
    Field.TYPE_INT32: -1, Field.TYPE_UINT32: 2**32 - 1, Field.TYPE_INT64: -(2**63), Field.TYPE_UINT64: 2**64 - 1,
    Field.TYPE_DOUBLE: 0.75, Field.TYPE_FLOAT: 0.25, Field.TYPE_BOOL: True, Field.TYPE_STRING: "音 a",
    Field.TYPE_BYTES: b"\x00\xff", Field.TYPE_ENUM: 1,
}


def filled(descriptor, choice: int = 0):
    message = descriptor._concrete_class()
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof and field is not oneof.fields[choice % len(oneof.fields)]:
            continue
        is_message = field.type == Field.TYPE_MESSAGE
        value = filled(field.message_type) if is_message else EXTREMES[field.type]
        if field.is_repeated:
            getattr(message, field.name).extend([value, value])
        elif is_message:
            getattr(message, field.name).CopyFrom(value)
        else:
            setattr(message, field.name, value)
    return message


# Replies of Redis.

REPLIES = {
    "simple": b"+OK\r\n+\r\n",
    "error": b"-ERR no\r\n-MOVED 3999 127.0.0.1:6381\r\n-NOSCRIPT No matching script.\r\n",
    "integer": b":0\r\n:-42\r\n:9223372036854775807\r\n:-9223372036854775808\r\n",
    "bulk": b"$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n$4\r\n12.5\r\n",
    "array": b"*0\r\n*-1\r\n*2\r\n*2\r\n:1\r\n-CODE why\r\n*0\r\n",
    "map": b"*4\r\n$2\r\nid\r\n$4\r\n0-17\r\n$5\r\ncount\r\n:3\r\n",
    "stream": b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$4\r\nkind\r\n$1\r\n2\r\n",
    "published": b"*3\r\n$9\r\nsubscribe\r\n$4\r\nwake\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$4\r\nwake\r\n$1\r\n0\r\n",
    "slots": b"*1\r\n*3\r\n:0\r\n:5460\r\n*3\r\n$9\r\n127.0.0.1\r\n:6381\r\n$40\r\n" + b"a" * 40 + b"\r\n",
    "nested": b"*1\r\n" * 8 + b":1\r\n",
}


def main():
    for name, frames in FRAMES.items():
        write("frames", name, b"".join(framed(frame) for frame in [HELLO, *frames]))
    for file in (alerts_pb2, analyzer_pb2, audit_pb2, catalog_pb2, health_pb2, jobs_pb2, maintenance_pb2,
                 metrics_pb2, operations_pb2, progress_pb2, queue_pb2, reflection_pb2, workers_pb2):
        for name, descriptor in file.DESCRIPTOR.message_types_by_name.items():
            choices = max((len(oneof.fields) for oneof in descriptor.oneofs), default=1)
            for choice in range(choices):
                suffix = f"-{choice + 1}" if choices > 1 else ""
                write("messages", name + suffix, filled(descriptor, choice).SerializeToString())
    for name, reply in REPLIES.items():
        write("replies", name, reply)


if __name__ == "__main__":
    main()
