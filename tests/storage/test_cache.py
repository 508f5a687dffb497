import pathlib
import tempfile

import pytest

from cpc_keras.storage.cache import cache_folder


@pytest.mark.parametrize(
    ("cache", "home", "place"),
    [
        ("/there", "/home/me", "/there"),
        ("", "/home/me", "/home/me/.cache"),
        ("relative", "/home/me", "/home/me/.cache"),
        (None, "/home/me", "/home/me/.cache"),
        (None, "relative", tempfile.gettempdir()),
    ],
)
def test_the_cache_is_the_users_or_the_systems(monkeypatch, cache, home, place):
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if cache is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    assert cache_folder() == pathlib.Path(place, "cpc_keras")
