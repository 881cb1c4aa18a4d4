"""A Redis with the passwords and rights of production, and an operator who may look at them."""

import os
import pathlib
import subprocess

from system import BIN, ROOT, wait_until


def make_secrets(folder: pathlib.Path, *arguments: str):
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    subprocess.run([ROOT / "deploy/secrets", folder, *arguments], check=True, env=environment)


class GuardedRedis:
    """Keeps its data beside `secrets`, a folder that `make_secrets` has filled."""

    def __init__(self, secrets: pathlib.Path):
        self.secrets, self.socket = secrets, secrets / "redis.sock"
        with open(secrets / "redis/users.acl", "a") as rules:
            rules.write("user operator on nopass ~* &* +@all\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", ROOT / "deploy/redis/redis.conf", "--port", "0", "--unixsocket", self.socket, "--dir", self.secrets,
             "--aclfile", self.secrets / "redis/users.acl"], stdout=subprocess.DEVNULL)
        wait_until(lambda: self("operator", "PING") == "PONG", "Redis serves", 10)

    def __call__(self, user: str, *command: str, password: str | None = None) -> str:
        """The answer to a command of a user, by default with the user's own password."""
        if password is None:
            password = "any" if user == "operator" else self.password_file(user).read_text()
        return subprocess.run(
            ["redis-cli", "-s", self.socket, "--user", user, "--pass", password, "--no-auth-warning", *command],
            capture_output=True, text=True).stdout.strip()

    def password_file(self, user: str) -> pathlib.Path:
        return self.secrets / user / "redis-password"

    def url(self, user: str) -> str:
        return f"unix:{self.socket}?user={user}&password-file={self.password_file(user)}"

    def denied(self) -> str:
        """What a service was not let do, or nothing."""
        return self("operator", "ACL", "LOG")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
