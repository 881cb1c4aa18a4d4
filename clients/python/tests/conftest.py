import pytest

from peer import AsyncShell, Peer, SyncShell


@pytest.fixture
def peer(tmp_path):
    peer = Peer(tmp_path)
    yield peer
    peer.close()


@pytest.fixture(params=[SyncShell, AsyncShell], ids=["sync", "asyncio"])
def shell(request):
    """Makes clients of the one kind, then of the other."""
    shells = []

    def connect(address, **options):
        shells.append(request.param(address, **options))
        return shells[-1]

    yield connect
    for made in shells:
        made.close()
