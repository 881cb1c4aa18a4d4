"""Client of the analysis queue's services.

    from analysis.v1 import queue_pb2
    from analysisqueue import Client

    with Client("unix:/path/queue.sock") as client:
        queue = client.service(queue_pb2, "Queue")
        reply = queue.Enqueue(queue_pb2.EnqueueRequest(user_id="demo", type="JOB_TYPE_SONG", target_id="s1"), timeout=5)
"""

from .client import Client, Replies, Service
from .status import RPCError, StatusCode

__all__ = ["Client", "RPCError", "Replies", "Service", "StatusCode"]
