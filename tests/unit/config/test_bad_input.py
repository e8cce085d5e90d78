"""Every mistake in a configuration is refused by name. A new case is one line."""
# ruff: noqa: E501 (the cases are a table)

from dataclasses import dataclass, field

import pytest

from streams.config.check import problems
from streams.config.load import load
from streams.errors import ConfigurationError

LANE = '[lanes.{}]\nprovider = "ollama"\nhosts = ["http://h:1"]\nmodel = "m"\n'
SOURCE = '[[sources]]\nname = "{}"\ntopic = "{}"\nkey = ["id"]\ntext = "{{t}}"\n'
KAFKA = 'bootstrap = "127.0.0.1:9092"'


@dataclass(frozen=True)
class Case:
    """`old` in the base file becomes `new`; the error names `setting` and says `says`."""

    name: str
    old: str
    new: str
    setting: str
    says: str
    env: dict[str, str] = field(default_factory=dict)


# fmt: off
CASES = [
    Case("an unknown section", "[kafka]", "[kafkaa]", "kafkaa", "did you mean kafka?"),
    Case("an unknown key", "hosts = [", "hots = [", "lanes.ollama.hots", "did you mean hosts?"),
    Case("an unknown key far from any other", KAFKA, "zzz = 1", "kafka.zzz", "known here: bootstrap, group_prefix"),
    Case("a key of another section", KAFKA, 'uri = "http://h:1"', "kafka.uri", "did you mean milvus.uri?"),
    Case("a key of the other provider", "dimensions = 8", 'dimensions = 8\nkeep_alive = "1m"', "lanes.cloud.keep_alive", "did you mean lanes.NAME.keep_alive (provider 'ollama')?"),
    Case("an unknown key in a source", 'key = ["id"]', 'kee = ["id"]', "sources[0].kee", "did you mean key?"),
    Case("an unknown key in a secret", 'env = "CLOUD_KEY"', 'evn = "CLOUD_KEY"', "lanes.cloud.api_key.evn", "did you mean env?"),
    Case("an unknown nested key", KAFKA, "topics.control_ = 'c'", "kafka.topics.control_", "did you mean control?"),
    Case("a key that pydantic itself would take", "[kafka]", "_env_file = 'x'\n[kafka]", "_env_file", "is not a setting"),
    Case("an unknown variable", "", "", "HOTSWAP__KAFAK__BOOTSTRAP", "did you mean kafka?", {"HOTSWAP__KAFAK__BOOTSTRAP": "h:1"}),
    Case("an unknown nested variable", "", "", "kafka.bootstrp", "environment variable HOTSWAP__KAFKA__BOOTSTRP); did you mean bootstrap?", {"HOTSWAP__KAFKA__BOOTSTRP": "h:1"}),
    Case("a variable that makes a lane", "", "", "lanes.olama.provider", "is missing (environment variable HOTSWAP__LANES__OLAMA__MODEL", {"HOTSWAP__LANES__OLAMA__MODEL": "m"}),
    Case("a variable without the JSON it needs", "", "", "sources", "HOTSWAP__SOURCES does not hold the JSON it needs", {"HOTSWAP__SOURCES": "articles"}),
    Case("a bad value in a variable", "", "", "limits.record_bytes", "environment variable HOTSWAP__LIMITS__RECORD_BYTES", {"HOTSWAP__LIMITS__RECORD_BYTES": "many"}),
    Case("an empty variable", "", "", "kafka.bootstrap", "'' is not HOST:PORT", {"HOTSWAP__KAFKA__BOOTSTRAP": ""}),
    Case("not TOML", KAFKA, "bootstrap = 127.0.0.1", "hotswap.toml", "at line 2"),
    Case("the same key twice", KAFKA, f"{KAFKA}\n{KAFKA}", "hotswap.toml", "at line 3"),
    Case("a section that is a number", "[kafka]\n" + KAFKA, "kafka = 3", "kafka", "must be a table"),
    Case("bootstrap without a port", "127.0.0.1:9092", "localhost", "kafka.bootstrap", "'localhost' is not HOST:PORT"),
    Case("bootstrap that is a URL", "127.0.0.1:9092", "kafka://h:9092", "kafka.bootstrap", "is a URL"),
    Case("bootstrap with one bad server", "127.0.0.1:9092", "h:9092,h:x", "kafka.bootstrap", "'h:x' is not HOST:PORT"),
    Case("bootstrap with a bare IPv6 address", "127.0.0.1:9092", "::1:9092", "kafka.bootstrap", "[brackets]"),
    Case("bootstrap beyond the last port", "127.0.0.1:9092", "h:70000", "kafka.bootstrap", "is not HOST:PORT"),
    Case("an Ollama host without a scheme", "http://127.0.0.1:11434", "127.0.0.1:11434", "lanes.ollama.hosts[0]", "must start with http:// or https://"),
    Case("an Ollama host of another scheme", "http://127.0.0.1:11434", "ftp://h", "lanes.ollama.hosts[0]", "must start with http:// or https://"),
    Case("no Ollama host", 'hosts = ["http://127.0.0.1:11434"]', "hosts = []", "lanes.ollama.hosts", "at least 1 item"),
    Case("a URL without a host", "http://127.0.0.1:19530", "http://", "milvus.uri", "names no host"),
    Case("a URL whose port is no number", "http://127.0.0.1:19530", "http://h:x", "milvus.uri", "is no URL"),
    Case("a URL with white space", "http://127.0.0.1:19530", "http://h :1", "milvus.uri", "white space"),
    Case("a URL with a query", "http://127.0.0.1:19530", "http://h:1?a=b", "milvus.uri", "must end before '?'"),
    Case("a file name for Milvus", "http://127.0.0.1:19530", "./milvus.db", "milvus.uri", "must start with http://"),
    Case("a password in a URL", "http://127.0.0.1:19530", "http://root:hunter2@h:1", "milvus.uri", "holds a user name or password"),
    Case("a secret in plain text", '{ env = "CLOUD_KEY" }', '"hunter2"', "lanes.cloud.api_key", "a secret does not belong in this file"),
    Case("a secret of two places", '{ env = "CLOUD_KEY" }', '{ env = "A", file = "b" }', "lanes.cloud.api_key", "exactly one"),
    Case("a secret of no place", '{ env = "CLOUD_KEY" }', "{}", "lanes.cloud.api_key", "exactly one"),
    Case("a secret in plain text for Debezium", '"database.hostname" = "127.0.0.1"', '"database.password" = "hunter2"', "connect.config", "write it under [connect.secrets]"),
    Case("a secret left out", 'api_key = { env = "CLOUD_KEY" }', "", "lanes.cloud.api_key", "is missing"),
    Case("no sources", "", "", "sources", "at least 1 item", {"HOTSWAP__SOURCES": "[]"}),
    Case("two sources with one name", "[lanes.cloud]", SOURCE.format("articles", "cdc.public.b") + "[lanes.cloud]", "sources", "two sources with the name 'articles'"),
    Case("two sources with one topic", "[lanes.cloud]", SOURCE.format("b", "cdc.public.articles") + "[lanes.cloud]", "sources", "two sources with the topic"),
    Case("a source with a name that is unsafe", '"articles"', '"Articles/1"', "sources[0].name", "lower-case letters"),
    Case("a source that reads Hotswap's own topic", "cdc.public.articles", "documents", "hotswap.toml", "reads Hotswap's own 'documents'"),
    Case("a source whose topic is no topic", "cdc.public.articles", "cdc/articles", "sources[0].topic", "is no topic name"),
    Case("a source without a key", 'key = ["id"]', "key = []", "sources[0].key", "at least 1 item"),
    Case("a source with a key column twice", 'key = ["id"]', 'key = ["id", "id"]', "sources[0].key", "twice"),
    Case("a source without a template", 'text = "{title}"', "", "sources[0].text", "is missing"),
    Case("a template that names no column", '"{title}"', '"title"', "sources[0].text", "names no column"),
    Case("a template that is not closed", '"{title}"', '"{title"', "sources[0].text", "is not a template"),
    Case("a template that looks into an object", '"{title}"', '"{title.__class__}"', "sources[0].text", "plain {column} only"),
    Case("a template with an empty field", '"{title}"', '"{}"', "sources[0].text", "plain {column} only"),
    Case("a lane with a name that is unsafe", "[lanes.ollama]", "[lanes.Ollama-1]", "lanes.Ollama-1", "lower-case letters"),
    Case("a lane without a provider", 'provider = "ollama"', "", "lanes.ollama.provider", "is missing"),
    Case("a lane of an unknown provider", 'provider = "ollama"', 'provider = "olama"', "lanes.ollama.provider", "did you mean 'ollama'?"),
    Case("dimensions below one", "dimensions = 8", "dimensions = 0", "lanes.cloud.dimensions", "greater than 0"),
    Case("dimensions that are no number", "dimensions = 8", 'dimensions = "many"', "lanes.cloud.dimensions", "valid integer"),
    Case("a lane template without the text", 'model = "minilm"', 'model = "m"\nquery_template = "query:"', "lanes.ollama.query_template", "exactly once"),
    Case("keep_alive without a unit", 'model = "minilm"', 'model = "m"\nkeep_alive = "30"', "lanes.ollama.keep_alive", "match pattern"),
    Case("an unknown security protocol", KAFKA, 'security_protocol = "TLS"', "kafka.security_protocol", "'SASL_SSL'"),
    Case("SASL without a password", KAFKA, 'security_protocol = "SASL_SSL"', "kafka", "asks for SASL"),
    Case("a SASL user on a plain connection", KAFKA, 'sasl_username = "me"', "kafka", "have no effect"),
    Case("a client certificate without its key", KAFKA, 'security_protocol = "SSL"\nssl_certfile = "c"', "kafka", "go together"),
    Case("TLS files on a plain connection", KAFKA, 'ssl_cafile = "c"', "kafka", "have no effect"),
    Case("a CA file for plain Milvus", "[milvus]", "[milvus]\nca_file = 'ca.pem'", "milvus", "https://"),
    Case("two own topics with one name", "[kafka]", "[kafka]\ntopics.control = 'documents'", "kafka.topics", "same name"),
    Case("a Debezium setting that is a list", '"database.hostname" = "127.0.0.1"', '"a" = [1]', "connect.config.a", "valid string"),
    Case("a Debezium setting twice", "[connect.config]", '[connect.secrets]\n"database.hostname" = { env = "H" }\n[connect.config]', "connect", "stands in both"),
    Case("a Connect user without a password", "[connect.config]", '[connect]\nusername = "me"\n[connect.config]', "connect", "go together"),
]
# fmt: on


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_its_name_and_problem(case, base, file, monkeypatch):
    assert case.old in base
    file.write_text(base.replace(case.old, case.new, 1), encoding="utf-8")
    for name, value in case.env.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    error = caught.value
    assert case.setting in {error.setting, error.setting.rpartition("/")[2]}, str(error)
    assert case.says in error.problem
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_in_the_chain_of_errors_holds_a_secret(case, base, file):
    file.write_text(base.replace(case.old, case.new, 1), encoding="utf-8")
    if "hunter2" not in case.new:
        return
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no file") as caught:
        load(tmp_path / "absent.toml")
    assert "hotswap config example >" in caught.value.remedy


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="is not a file"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_is_named(file):
    file.write_bytes(b'x = "\xff"')
    with pytest.raises(ConfigurationError, match=r"is not UTF-8 \(byte 5\)"):
        load(file)


def test_a_missing_secret_names_its_setting_and_where_to_put_it(file, monkeypatch):
    monkeypatch.delenv("CLOUD_KEY", raising=False)
    (problem,) = problems(load(file))
    assert problem.setting == "lanes.cloud.api_key"
    assert problem.problem == "environment variable CLOUD_KEY is not set"
    assert problem.remedy == "set the environment variable CLOUD_KEY"


def test_a_secret_file_that_is_absent_is_named(base, file, tmp_path):
    absent = tmp_path / "key"
    file.write_text(base.replace('env = "CLOUD_KEY"', f'file = "{absent}"'), encoding="utf-8")
    (problem,) = problems(load(file))
    assert str(absent) in problem.problem


def test_a_certificate_file_that_is_absent_is_named(base, file, monkeypatch):
    monkeypatch.setenv("CLOUD_KEY", "k")
    text = base.replace("[kafka]", '[kafka]\nsecurity_protocol = "SSL"\nssl_cafile = "no.pem"')
    file.write_text(text, encoding="utf-8")
    (problem,) = problems(load(file))
    assert str(problem).startswith("kafka.ssl_cafile: there is no file no.pem")
