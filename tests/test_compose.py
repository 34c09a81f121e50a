"""The production packaging, compared with the settings: there is no container engine where the tests run."""

import importlib.util
import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import pytest
import yaml
from django.conf import settings
from django.urls import reverse

from portal import celery, stack
from portal.config import ROOT, Config

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")
CONFIGURED = {name.upper() for name in Config.model_fields} | {"SECRETS_DIR"}
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def dockerfile() -> list[tuple[str, str]]:
    """Each instruction with its argument, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def argument(instruction: str) -> str:
    return [rest for word, rest in dockerfile() if word == instruction][-1]


def flag(command: list[str], *names: str) -> str:
    return next(value for name, value in pairwise(command) if name in names)


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.fixture
def stack_commands(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    monkeypatch.setenv("SANDBOX_URL", "http://127.0.0.1:8001")
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:6379/0")
    return {name: shlex.split(each) for name, each in stack._commands(Path("var"), 8000).items()}


def interpolated() -> dict[str, str]:
    """Every variable that the compose file reads from outside, with its default."""
    return {name: default if kind == "-" else "" for name, kind, default in VARIABLE.findall(yaml.safe_dump(COMPOSE))}


def test_the_worker_runs_as_in_make_run(stack_commands: dict[str, list[str]]) -> None:
    ours, theirs = SERVICES["worker"]["command"], stack_commands["worker"]
    assert ours[:4] == ["celery", "-A", "portal", "worker"]
    assert flag(ours, "-Q") == flag(theirs, "-Q")
    assert {each for each in theirs if each.startswith("--without")} <= set(ours)


def test_the_worker_serves_every_queue(stack_commands: dict[str, list[str]]) -> None:
    queues = set(flag(SERVICES["worker"]["command"], "-Q").split(","))
    named = re.findall(r'queue="(\w+)"', "".join(path.read_text() for path in (ROOT / "orders").rglob("*.py")))
    assert queues == {*named, celery.app.conf.task_default_queue}


def test_the_celery_app_is_where_the_commands_look(stack_commands: dict[str, list[str]]) -> None:
    for name in ("worker", "beat"):
        assert flag(SERVICES[name]["command"], "-A") == flag(stack_commands[name], "-A") == "portal"
        assert SERVICES[name]["command"][3] == name
    assert importlib.import_module("portal").celery_app is celery.app


def test_beat_needs_no_place_for_a_pid_file() -> None:
    assert "--pidfile=" in SERVICES["beat"]["command"]


def test_gunicorn_serves_the_application(stack_commands: dict[str, list[str]]) -> None:
    command = yaml.safe_load(argument("CMD"))
    assert command[0] == "gunicorn"
    assert importlib.util.find_spec(command[1]) is not None
    assert f"{command[1]}.application" == settings.WSGI_APPLICATION
    assert command[1] in stack_commands["web"]
    assert "--no-control-socket" in command
    assert "command" not in SERVICES["web"]


def test_the_port_is_the_same_everywhere_and_bound_to_loopback() -> None:
    host, port = flag(yaml.safe_load(argument("CMD")), "--bind").split(":")
    assert (host, port) == ("0.0.0.0", argument("EXPOSE"))
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": [f"127.0.0.1:${{PORT:-8000}}:{port}"]}
    assert f"http://127.0.0.1:{port}{reverse('health')}" in SERVICES["web"]["healthcheck"]["test"][-1]
    assert SERVICES["web"]["environment"]["ALLOWED_HOSTS"].startswith("127.0.0.1,")


def test_every_service_that_stays_has_a_health_check_and_comes_back() -> None:
    staying = set(SERVICES) - {"migrate"}
    assert {name for name in SERVICES if "healthcheck" in SERVICES[name]} == staying
    for name in staying:
        check = SERVICES[name]["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert seconds(check["timeout"]) < seconds(check["interval"])
        assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES["migrate"]["restart"] == "no"


def test_the_health_check_of_beat_looks_at_its_schedule() -> None:
    pattern = re.search(r"glob\.glob\('([^']+)'\)", SERVICES["beat"]["healthcheck"]["test"][-1])
    assert pattern is not None
    in_image = f"{argument('WORKDIR')}/{pattern.group(1)}"
    assert in_image == f"{image_environment()['VAR_DIR']}/{Path(settings.CELERY_BEAT_SCHEDULE_FILENAME).name}*"


def test_nothing_starts_before_the_database_is_migrated() -> None:
    assert SERVICES["migrate"]["command"][:3] == ["python", "manage.py", "migrate"]
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("web", "worker", "beat"):
        conditions = {needed: each["condition"] for needed, each in SERVICES[name]["depends_on"].items()}
        assert conditions == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }


@pytest.mark.parametrize("name", OURS)
def test_every_environment_name_is_read_by_the_settings(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= CONFIGURED
    assert SERVICES[name]["environment"] == SERVICES["web"]["environment"]


def test_compose_passes_each_variable_under_its_own_name() -> None:
    for name, value in SERVICES["web"]["environment"].items():
        read = {found for found, _kind, _default in VARIABLE.findall(str(value))}
        assert read <= ({"POSTGRES_PASSWORD"} if name == "DATABASE_URL" else {name})


def test_the_defaults_of_compose_are_those_of_the_settings() -> None:
    stricter = {"HTTPS": "true"}
    for name, default in interpolated().items():
        if name.lower() in Config.model_fields and default:
            expected = str(Config.model_fields[name.lower()].default)
            assert default == stricter.get(name, expected), name


def test_the_example_names_only_what_compose_passes_on() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    assert len(names) == len(set(names))
    assert set(names) <= set(interpolated())
    assert set(names) - CONFIGURED == {"PORT", "POSTGRES_PASSWORD"}
    required = {name for name, kind, _default in VARIABLE.findall(yaml.safe_dump(COMPOSE)) if kind == "?"}
    assert required <= set(names)


def test_the_values_of_compose_can_be_read_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"SECRET_KEY": "key", "ALLOWED_HOSTS": "portal.example.com", "POSTGRES_PASSWORD": "secret"}
    for name, value in SERVICES["web"]["environment"].items():
        monkeypatch.setenv(name, VARIABLE.sub(lambda found: given.get(found[1]) or found[3] or "", str(value)))
    read = Config()
    assert read.hosts() == ["127.0.0.1", "portal.example.com"]
    assert read.endpoints["scm"] == "https://scm.cn-north-4.myhuaweicloud.com"
    assert read.https
    assert not read.demo


def test_the_database_address_fits_the_database_service() -> None:
    url = VARIABLE.sub("secret", SERVICES["web"]["environment"]["DATABASE_URL"])
    parsed, service = dj_database_url.parse(url), SERVICES["postgres"]["environment"]
    assert parsed["ENGINE"] == "django.db.backends.postgresql"
    assert parsed["HOST"] in SERVICES
    assert parsed["PORT"] == 5432
    assert (parsed["NAME"], parsed["USER"]) == (service["POSTGRES_DB"], service["POSTGRES_USER"])
    assert "${POSTGRES_PASSWORD:" in service["POSTGRES_PASSWORD"]


def test_the_broker_address_fits_the_broker_service(stack_commands: dict[str, list[str]]) -> None:
    url = urlsplit(SERVICES["web"]["environment"]["BROKER_URL"])
    assert (url.scheme, url.hostname, url.port) == ("redis", "redis", 6379)
    assert url.hostname in SERVICES
    assert flag(SERVICES["redis"]["command"], "--maxmemory-policy") == "noeviction"
    assert flag(SERVICES["redis"]["command"], "--appendonly") == "yes"


def test_the_marker_is_on_a_volume_of_its_own() -> None:
    folder = str(Path(SERVICES["worker"]["environment"]["EPOCH_FILE"]).parent)
    for name in OURS:
        assert SERVICES[name]["volumes"] == [f"epoch:{folder}"]
    assert not any("epoch" in volume for name in ("postgres", "redis") for volume in SERVICES[name]["volumes"])
    assert any(f" {folder}" in rest for word, rest in dockerfile() if word == "RUN")


def test_every_volume_is_declared() -> None:
    used = {each.partition(":")[0] for service in SERVICES.values() for each in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_a_worker_is_given_time_to_finish_a_purchase() -> None:
    assert seconds(SERVICES["worker"]["stop_grace_period"]) > settings.CLOUD.submit_hard_limit


def test_images_are_pinned_to_a_major_version() -> None:
    stages = {name for word, rest in dockerfile() if word == "FROM" for name in re.findall(r" AS (\w+)", rest)}
    bases = {rest.split()[0] for word, rest in dockerfile() if word == "FROM"} - stages
    pulled = {service["image"] for name, service in SERVICES.items() if name not in OURS}
    assert all(re.fullmatch(r"[a-z]+:\d+(\.\d+)*(-slim)?", image) for image in bases | pulled), bases | pulled


def test_the_image_runs_the_python_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    bases = {rest.split()[0] for word, rest in dockerfile() if word == "FROM"}
    assert bases == {f"python:{project['tool']['mypy']['python_version']}-slim"}


def test_the_image_installs_the_lock_by_hash() -> None:
    install = next(rest for word, rest in dockerfile() if word == "RUN" and "pip install" in rest)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert (ROOT / flag(install.split(), "-r")).is_file()


def test_the_image_is_built_with_what_a_start_needs_and_without_a_key() -> None:
    prepare = next(rest for word, rest in dockerfile() if word == "RUN" and "collectstatic" in rest)
    assert "compile_translations" in prepare
    assert prepare.startswith("export SECRET_KEY=")
    assert "SECRET_KEY" not in image_environment()


def test_the_image_does_not_run_as_root() -> None:
    words = [word for word, _rest in dockerfile()]
    assert argument("USER") == "countersign"
    assert words.index("USER") > max(place for place, word in enumerate(words) if word == "RUN")


def test_secrets_and_data_stay_out_of_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", "var", ".venv", "sandbox", "tests"} <= set(ignored)
    assert not {"portal", "orders", "templates", "static", "locale", "manage.py", "requirements.txt"} & set(ignored)


def image_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(argument("ENV")))
