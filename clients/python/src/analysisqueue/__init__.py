"""Client of the analysis queue's services.

    from analysis.v1 import queue_pb2
    from analysisqueue import Client, Queue

    with Client("unix:/path/queue.sock") as client:
        job = Queue(client).GetJob(queue_pb2.JobRequest(job_id="0-17"), timeout=5)
"""

from .address import TLS as TLS
from .aio import AsyncClient as AsyncClient
from .options import Options as Options
from .services import *
from .status import Metadata as Metadata
from .status import RPCError as RPCError
from .status import StatusCode as StatusCode
from .sync import Client as Client
