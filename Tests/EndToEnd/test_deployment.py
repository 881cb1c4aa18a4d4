"""What is deployed and cannot be run here as a whole: units, manifests, images' files, secrets and the rights in Redis."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml
from jsonschema import ValidationError
from kubernetes_validate import validate

from guarded_redis import BIN, GuardedRedis, make_secrets
from system import ROOT, wait_until

PROGRAMS = ["queue-service", "progress-service", "analysis-worker", "gateway"]
SYSTEMD, KUBERNETES = ROOT / "deploy/systemd", ROOT / "deploy/kubernetes"
# CONFIG is for --durability always, which is set in redis.conf here; READONLY is an error's name.
NOT_OF_SERVICES = {"CONFIG", "READONLY"}


def flags_of(program: str) -> set[str]:
    help_ = json.loads(subprocess.run([BIN / program, "--experimental-dump-help"], capture_output=True, check=True).stdout)
    return {f"--{name['name']}" for argument in help_["command"]["arguments"] for name in argument["names"]}


def variables_of(program: str) -> set[str]:
    return {"ANALYSIS_" + flag[2:].upper().replace("-", "_") for flag in flags_of(program)}


def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def manifests() -> list[dict]:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    return [
        document for name in kustomization["resources"] for document in yaml.safe_load_all((KUBERNETES / name).read_text())]


def containers() -> dict[str, dict]:
    """The containers of the Kubernetes deployments."""
    return {
        container["name"]: container for manifest in manifests() if manifest["kind"] == "Deployment"
        for container in manifest["spec"]["template"]["spec"]["containers"]}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_flag_and_variable_that_is_deployed_exists(program):
    """As it is typed on a command line: a renamed flag would show only in production."""
    arguments = [*compose()[program].get("command", []), *containers()[program]["args"]]
    unit = (SYSTEMD / f"analysis-{program.removeprefix('analysis-').removesuffix('-service')}.service").read_text()
    arguments += re.findall(r"(?<=\s)--[a-z-]+", re.search(r"ExecStart=(?:.*\\\n)*.*", unit)[0])
    unknown = {argument.split("=")[0] for argument in arguments} - flags_of(program)
    assert not unknown
    stage = re.search(rf"AS {program}\n(.*?)ENTRYPOINT", (ROOT / "deploy/Dockerfile").read_text(), re.DOTALL)[1]
    variables = {*compose()[program].get("environment", {}), *re.findall(r"ANALYSIS_[A-Z_]+", stage + unit)}
    assert not variables - variables_of(program)


def test_the_log_level_of_each_process_can_be_changed_where_the_documents_say():
    """Each has a Unix socket of its own to which it can write; `deploy/verify-containers` changes the level at those of containers."""
    told = (ROOT / "docs/operations.md").read_text()
    for program in ("gateway", "analysis-worker"):
        name = program.removeprefix("analysis-")
        composed, pod = compose()[program], containers()[program]
        variable = "ANALYSIS_CONTROL" if program == "gateway" else "ANALYSIS_LISTEN"
        path = composed["environment"][variable].removeprefix("unix:")
        assert str(pathlib.PurePath(path).parent) in composed["tmpfs"]
        assert f"--user {name} analysis-queue/analysisctl \\\n  loglevel unix:/proc/1/root{path} " in told
        unit = (SYSTEMD / f"analysis-{name}.service").read_text()
        folder = re.search(r"^RuntimeDirectory=(.*)$", unit, re.MULTILINE)[1]
        path = re.search(rf"^Environment={variable}=unix:%t/({folder}/.*)$", unit, re.MULTILINE)[1]
        assert f"sudo analysisctl loglevel unix:/run/{path} " in told
        flag = "--" + variable.removeprefix("ANALYSIS_").lower()
        path = next(argument for argument in pod["args"] if argument.startswith(f"{flag}=unix:")).split(":", 1)[1]
        assert str(pathlib.PurePath(path).parent) in {mount["mountPath"] for mount in pod["volumeMounts"]}
        if program == "gateway":
            assert f"loglevel unix:/proc/1/root{path} " in told


def test_what_images_are_made_of_is_sent_to_the_builder():
    sent = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    copied = re.findall(r"^COPY (?!--)(\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    for path in map(pathlib.PurePath, copied):
        assert sent & {str(parent) for parent in [path, *path.parents]}, path


def test_the_page_of_all_flags_and_variables_is_up_to_date():
    checked = subprocess.run([ROOT / "docs/generate", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_units_are_what_systemd_takes(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("this machine has no systemd-analyze")
    subprocess.run([SYSTEMD / "install", "--root", tmp_path], check=True)
    redis = tmp_path / "usr/bin/redis-server"
    redis.parent.mkdir(parents=True)
    redis.touch(mode=0o755)
    units = sorted(path.name for path in (tmp_path / "etc/systemd/system").iterdir())
    assert len(units) == 6
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}", *units], capture_output=True, text=True)
    # Of the machine's own units there are none beneath that root.
    told = [line for line in checked.stderr.splitlines() if "analysis" in line and "not found" not in line]
    assert not told


def test_manifests_are_what_kubernetes_takes():
    documents = manifests()
    problems = []
    for document in documents:
        try:
            validate(document, "1.32", strict=True)
        except ValidationError as error:
            problems.append((document["kind"], document["metadata"]["name"], list(error.absolute_path), error.message))
    assert not problems
    if shutil.which("kubectl"):
        built = subprocess.run(["kubectl", "kustomize", KUBERNETES], capture_output=True, text=True)
        assert built.returncode == 0, built.stderr
        assert len(list(yaml.safe_load_all(built.stdout))) == len(documents) + 1  # and the generated configuration


def test_nothing_that_is_deployed_may_do_more_than_it_needs():
    for name, service in compose().items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert bool(service.get("ports")) == (name in {"gateway", "proxy", "prometheus"}), name
    for name, container in containers().items():
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"], name
        assert rights["capabilities"] == {"drop": ["ALL"]}, name


def test_alerts_can_leave_and_what_needs_no_network_has_none():
    networks = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["networks"]
    open_ = {name for name, network in networks.items() if not (network or {}).get("internal")}
    reaching = {name for name, service in compose().items() if open_ & set(service.get("networks", []))}
    assert "queue-service" in reaching and not {"redis", "progress-service", "analysis-worker"} & reaching
    policies = {manifest["metadata"]["name"]: manifest["spec"] for manifest in manifests() if manifest["kind"] == "NetworkPolicy"}
    assert {"port": 443} in policies["queue-service"]["egress"][0]["ports"]


@pytest.fixture
def secrets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s")
    make_secrets(folder)
    return folder


@pytest.fixture
def redis(secrets):
    server = GuardedRedis(secrets)
    yield server
    server.stop()


def test_secrets_stay_until_they_are_rotated_and_the_old_ones_are_good_for_one_more_time(secrets):
    def read() -> dict[str, bytes]:
        return {str(path.relative_to(secrets)): path.read_bytes() for path in secrets.rglob("*") if path.is_file()}

    first = read()
    assert {*first} == {
        "queue/redis-password", "progress/redis-password", "redis/users.acl", "gateway/signing.json", "verifying.json",
        "gateway/metrics-token", "prometheus/metrics-token"}
    assert first["gateway/metrics-token"] == first["prometheus/metrics-token"]
    make_secrets(secrets)
    assert read() == first
    make_secrets(secrets, "rotate")
    assert all(read()[name] != content for name, content in first.items())
    server = GuardedRedis(secrets)
    try:
        for password in [first["queue/redis-password"].decode(), None]:
            assert server("queue", "TYPE", "aq:lanes", password=password) == "none"
    finally:
        server.stop()


def test_services_may_use_their_own_keys_in_redis_and_nothing_else(redis):
    for user, own, others in [
        ("queue", ["aq:{0}:job:1", "aq:{17}:log", "aq:account:alice", "aq:session:x", "aq:lanes"], ["aq:{progress}:live", "x"]),
        ("progress", ["aq:{progress}:live"], ["aq:{0}:job:1", "aq:account:alice", "x"]),
    ]:
        for key in own:
            assert "NOPERM" not in redis(user, "TYPE", key), (user, key)
        for key in others:
            assert "NOPERM" in redis(user, "TYPE", key), (user, key)
        for command in [["FLUSHALL"], ["CONFIG", "GET", "*"], ["KEYS", "*"], ["SHUTDOWN"], ["ACL", "LIST"], ["SLOWLOG", "GET"]]:
            assert "NOPERM" in redis(user, *command), (user, command)
        assert "NOAUTH" in redis(user, "TYPE", own[0], password="guessed")


def test_every_kind_of_key_in_the_source_is_allowed_to_the_queue_service(redis):
    kinds = set(re.findall(r'"\\\(prefix\)([a-z]+)', (ROOT / "Sources/QueueService/Keys.swift").read_text()))
    assert len(kinds) > 5
    for kind in kinds:
        replies = [redis("operator", "ACL", "DRYRUN", "queue", "TYPE", f"aq:{kind}{rest}") for rest in ("", ":x")]
        assert "OK" in replies, f"let queue use aq:{kind} in deploy/redis/users.acl"


def test_what_a_service_has_stored_survives_a_restart_of_redis(redis):
    """Redis applies rights to its append-only file, too."""
    script = "redis.call('SET', KEYS[1], 'kept') redis.call('HSET', KEYS[2], 'field', 'kept')"
    redis("queue", "EVAL", script, "2", "aq:{0}:a", "aq:{0}:b")
    redis.stop()
    redis.start()
    assert redis("queue", "GET", "aq:{0}:a") == "kept" and redis("queue", "HGET", "aq:{0}:b", "field") == "kept"


def test_every_redis_command_in_the_source_is_allowed_to_its_service(redis):
    known = set(redis("operator", "COMMAND", "LIST").upper().splitlines())
    for user, folder, key in [("queue", "QueueService", "aq:{0}:x"), ("progress", "ProgressService", "aq:{progress}:x")]:
        text = "".join(path.read_text() for path in (ROOT / "Sources" / folder).rglob("*") if path.suffix in {".swift", ".lua"})
        used = {word for word in re.findall(r"""["']([A-Z]{2,})["']""", text) if word in known} - NOT_OF_SERVICES
        assert len(used) > 5
        for command in sorted(used):
            # ACL DRYRUN wants the right number of arguments.
            arity = int(redis("operator", "COMMAND", "INFO", command).splitlines()[1].split()[-1])
            reply = redis("operator", "ACL", "DRYRUN", user, command, *[key] * (abs(arity) - 1))
            assert "no permissions to run" not in reply, f"let {user} run {command} in deploy/redis/users.acl"


@pytest.mark.parametrize("program", ["queue-service", "progress-service"])
def test_health_tells_what_a_running_service_lacks(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("h")
    listen = ["--listen", f"unix:{folder}/service.sock"]
    queue = ["--queue", f"unix:{folder}/service.sock"] if program == "progress-service" else []
    service = subprocess.Popen(
        [BIN / program, *listen, *queue, "--redis", f"unix:{folder}/redis.sock"], stderr=subprocess.DEVNULL)

    def health() -> subprocess.CompletedProcess:
        return subprocess.run([BIN / program, "health", *listen], capture_output=True, text=True)

    try:
        wait_until(lambda: (told := health()).returncode == 1 and "Redis" in told.stderr, "it says that there is no Redis", 20)
        redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", folder / "redis.sock", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: health().returncode == 0, "it is healthy with Redis", 20)
        finally:
            redis.kill()
            redis.wait()
    finally:
        service.terminate()
        service.wait(timeout=20)
