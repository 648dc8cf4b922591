# SPDX-License-Identifier: Apache-2.0
"""Tests the model zoo: where it finds a model, and that it accepts only the right file."""

from __future__ import annotations

import hashlib
import http.server
import threading

import pytest
from workbench.build import zoo

WAKE_WORDS = ["okay_nabu", "hey_jarvis", "alexa", "hey_mycroft"]
CONTENT = b"pretend these are weights"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLINT_MIRROR", raising=False)
    return tmp_path / "cache" / "models"


class Site(http.server.BaseHTTPRequestHandler):
    """Serves `content` whatever is asked for, and counts how often."""

    content = CONTENT
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *args):
        pass


@pytest.fixture
def site(cache, monkeypatch):
    """A zoo with one model, "toy", on a web server of our own."""
    handler = type("Handler", (Site,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/toy.tflite"
        entry = {"url": url, "sha256": hashlib.sha256(CONTENT).hexdigest(), "licence": "none"}
        monkeypatch.setattr(zoo, "entries", lambda: {"toy": entry})
        yield handler
        server.shutdown()
        thread.join()


def test_every_entry_is_complete():
    for name, entry in zoo.entries().items():
        sources = [entry, *([entry["manifest_file"]] if "manifest_file" in entry else [])]
        assert entry["licence"], name
        assert ("manifest" in entry) != ("manifest_file" in entry), name
        for source in sources:
            assert source["url"].startswith("https://")
            assert len(bytes.fromhex(source["sha256"])) == 32


@pytest.mark.parametrize("name", WAKE_WORDS)
def test_wake_words_come_from_the_installed_package(name, cache):
    path = zoo.find(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == zoo.entries()[name]["sha256"]
    manifest = zoo.manifest(name)
    assert manifest["type"] == "micro"
    assert 0 < manifest["micro"]["probability_cutoff"] < 1
    assert not cache.exists()


def test_labels_of_a_model_without_published_manifest():
    assert zoo.manifest("person_detect") == {"labels": ["no person", "person"]}


def test_a_path_is_taken_as_it_is(tmp_path, cache):
    mine = tmp_path / "mine.tflite"
    mine.write_bytes(b"anything")
    assert zoo.find(str(mine)) == mine


def test_unknown_names_are_refused_with_a_hint(cache):
    with pytest.raises(zoo.ZooError, match="did you mean person_detect"):
        zoo.find("persn_detect")
    with pytest.raises(zoo.ZooError, match="no such file: missing"):
        zoo.find("missing.tflite")


def test_download_is_kept_for_the_next_time(site, cache):
    path = zoo.find("toy")
    assert path == cache / "toy.tflite"
    assert path.read_bytes() == CONTENT
    assert zoo.find("toy") == path
    assert site.asked == 1


def test_wrong_bytes_are_refused_and_not_kept(site, cache):
    site.content = b"x" * len(CONTENT)
    with pytest.raises(zoo.ZooError, match=r"another toy\.tflite"):
        zoo.find("toy")
    assert not cache.exists() or not list(cache.iterdir())


def test_a_download_that_breaks_off_is_refused_and_not_kept(site, cache):
    site.content = CONTENT[:5]
    with pytest.raises(zoo.ZooError, match=r"toy\.tflite .*--mirror DIR"):
        zoo.find("toy")
    assert not cache.exists() or not list(cache.iterdir())


def test_a_spoilt_cache_is_fetched_anew(site, cache):
    cache.mkdir(parents=True)
    (cache / "toy.tflite").write_bytes(b"spoilt")
    assert zoo.find("toy").read_bytes() == CONTENT


def test_an_unreachable_site_says_what_to_do(site, cache, monkeypatch):
    url = "http://127.0.0.1:9/toy.tflite"
    monkeypatch.setattr(zoo, "entries", lambda: {"toy": {"url": url, "sha256": "0" * 64}})
    with pytest.raises(zoo.ZooError, match=r"model toy cannot be had.*--mirror DIR") as caught:
        zoo.find("toy")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_mirror_is_asked_before_the_internet(how, site, cache, tmp_path, monkeypatch):
    (tmp_path / "toy.tflite").write_bytes(CONTENT)
    if how == "argument":
        assert zoo.find("toy", tmp_path) == tmp_path / "toy.tflite"
    else:
        monkeypatch.setenv("GLINT_MIRROR", str(tmp_path))
        assert zoo.find("toy") == tmp_path / "toy.tflite"
    assert site.asked == 0


def test_a_mirror_must_hold_the_same_bytes(site, cache, tmp_path):
    (tmp_path / "toy.tflite").write_bytes(b"other")
    with pytest.raises(zoo.ZooError, match="another file"):
        zoo.find("toy", tmp_path)
    with pytest.raises(zoo.ZooError, match="no folder"):
        zoo.find("toy", tmp_path / "nowhere")
