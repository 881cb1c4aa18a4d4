"""A network that fails: stands on a Unix socket before a server, and passes on, is silent or is cut."""

import contextlib
import pathlib
import socket
import threading


class Proxy:
    """Listens at `path` for a server that listens at `server`."""

    def __init__(self, server: pathlib.Path, path: pathlib.Path):
        self.server, self.is_silent, self.is_cut = server, False, False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self):
        """From now on the server hears everything and nobody hears the server."""
        self.is_silent = True

    def cut(self):
        """Ends every connection, and from now on each new one at once."""
        with self._lock:
            self.is_cut = True
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.is_silent = self.is_cut = False

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            far = socket.socket(socket.AF_UNIX)
            with self._lock:
                connects = not self.is_cut
                if connects:
                    try:
                        far.connect(str(self.server))
                        self._open |= {near, far}
                    except OSError:
                        connects = False
            if not connects:
                near.close()
                far.close()
                continue
            pumps = [threading.Thread(target=self._pass_on, args=ends, daemon=True)
                     for ends in ((near, far, False), (far, near, True))]
            threading.Thread(target=self._run, args=(near, far, pumps), daemon=True).start()

    def _run(self, near, far, pumps):
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        with self._lock:
            self._open -= {near, far}
        near.close()
        far.close()

    def _pass_on(self, source, sink, is_reply):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if not (is_reply and self.is_silent):
                    sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        # Who can no longer send must not be sent to for ever.
        with contextlib.suppress(OSError):
            source.shutdown(socket.SHUT_RD)
