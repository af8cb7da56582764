"""Settings beside the weights: refused by name where they are not what they should be."""

import numpy as np
import pytest
from foreign_models import write_json, write_safetensors

from sparsecode.interop import read_checkpoint
from sparsecode.interop._config import Settings, read_config, write_config


@pytest.fixture
def folder(tmp_path):
    """A ReLU autoencoder of SAELens without its settings."""
    arrays = {"W_enc": np.eye(2), "W_dec": np.eye(2), "b_enc": np.ones(2), "b_dec": np.ones(2)}
    write_safetensors(tmp_path / "sae_weights.safetensors", arrays)
    return tmp_path


def test_missing_settings_are_refused(folder):
    """The architecture is not guessed: TopK has the same arrays as ReLU."""
    with pytest.raises(ValueError, match=r"cfg\.json is missing"):
        read_checkpoint(folder)
    write_json(folder / "cfg.json", {})
    assert read_checkpoint(folder).architecture == "ReLU"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"standard"',
        b"\xff\xfe",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"k": ' + b"9" * 10_000 + b"}",
        b'{"architecture": "standard"} {}',
    ],
)
def test_what_is_not_an_object_is_refused(folder, data):
    (folder / "cfg.json").write_bytes(data)
    with pytest.raises(ValueError, match=r"cfg\.json is damaged"):
        read_checkpoint(folder)


def test_large_files_are_refused(folder):
    (folder / "cfg.json").write_bytes(b" " * (2**24 + 1))
    with pytest.raises(ValueError, match="too many for a settings file"):
        read_checkpoint(folder)


def test_a_folder_of_the_name_is_refused(folder):
    (folder / "cfg.json").mkdir()
    with pytest.raises(ValueError, match=r"cfg\.json is missing"):
        read_checkpoint(folder)


def test_round_trip(tmp_path):
    config = {"k": 3, "name": "é", "nested": {"list": [1, None, 2.5]}}
    write_config(tmp_path / "cfg.json", config)
    assert read_config(tmp_path / "cfg.json") == config


class TestSettings:
    def settings(self, **config):
        return Settings(config, "cfg.json")

    def test_types(self):
        settings = self.settings(k=3, f=4.0, on=True, name="a", none=None, part={"k": 5})
        assert settings.integer("k") == 3
        assert settings.integer("f") == 4 and isinstance(settings.integer("f"), int)
        assert settings.flag("on", False) is True
        assert settings.text("name") == "a"
        assert settings.section("part").integer("k") == 5
        assert settings.section("absent").integer("k", 7) == 7
        for method in (settings.integer, settings.text):
            assert method("none", "default") == method("absent", "default") == "default"
        assert settings.flag("none", True) is True
        assert settings.choice("name", ("a", "b")) == "a"
        settings.only("name", "a")
        settings.only("none", "a")

    @pytest.mark.parametrize("value", [0, -1, 2.5, "3", True, [], np.inf, np.nan, 2**60])
    def test_other_numbers_are_refused(self, value):
        with pytest.raises(ValueError, match=r"cfg\.json: k is .*; expected a whole number of 1"):
            self.settings(k=value).integer("k")

    @pytest.mark.parametrize("value", [0, 1, "true", [], {}])
    def test_other_flags_are_refused(self, value):
        with pytest.raises(ValueError, match="expected true or false"):
            self.settings(on=value).flag("on", True)

    @pytest.mark.parametrize("value", [0, True, [], {}])
    def test_other_texts_are_refused(self, value):
        with pytest.raises(ValueError, match="expected a string"):
            self.settings(name=value).text("name")
        with pytest.raises(ValueError, match="expected 'a' or 'b'"):
            self.settings(name="c").choice("name", ("a", "b"))
        with pytest.raises(ValueError, match="expected 'a'"):
            self.settings(name="c").only("name", "a")

    def test_sections_are_objects(self):
        with pytest.raises(ValueError, match="expected an object"):
            self.settings(part=[1]).section("part")

    def test_long_values_are_not_printed_whole(self):
        with pytest.raises(ValueError) as caught:
            self.settings(k="9" * 10_000).integer("k")
        assert len(str(caught.value)) < 300
