"""Model folders are checked before anything in them is loaded."""

from __future__ import annotations

import json
import shutil

import pytest

from aftertune.backends.folder import fingerprint, open_folder
from aftertune.errors import ModelError, NoWeights


@pytest.fixture
def folder(model_folder, tmp_path):
    target = tmp_path / "model"
    shutil.copytree(model_folder("llama"), target)
    return target


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma", "gpt2"])
def test_good_folders_open(model_folder, family):
    opened = open_folder(model_folder(family))
    assert opened.model_type == family
    assert opened.template


def test_no_template_is_seen(model_folder):
    assert open_folder(model_folder("llama", template=False)).template is None


def refused(folder, message, kind=ModelError):
    with pytest.raises(kind, match=message) as caught:
        open_folder(folder)
    assert caught.value.fix
    return caught.value


def test_missing_folder_suggests(folder):
    refused(folder.with_name("modle"), "no such folder.*did you mean 'model'")


def test_a_file_and_an_empty_folder(folder, tmp_path):
    refused(folder / "config.json", "is a file")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "empty")


def test_missing_config(folder):
    (folder / "config.json").unlink()
    refused(folder, "no config.json")


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_broken_config(folder, text):
    (folder / "config.json").write_text(text)
    refused(folder, "config.json")


def test_code_of_its_own_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    refused(folder, "code of its own")


def test_missing_weights(folder):
    (folder / "model.safetensors").unlink()
    assert refused(folder, "no model.safetensors", NoWeights).exit_code == 5


def test_pickled_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "safe_serialization" in refused(folder, "pickled.*pytorch_model.bin").fix


def test_cut_weights(folder):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-100])
    refused(folder, "cut short")


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 100, b"\x02\x00\x00\x00\x00\x00\x00\x00[]"])
def test_weights_that_are_something_else(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "safetensors")


def test_missing_shard(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    refused(folder, "1 of 2 weight files are missing.*00002-of-00002", NoWeights)


def test_missing_tokenizer(folder):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    assert "save_pretrained" in refused(folder, "no tokenizer files").fix


def test_fingerprint_follows_content_not_place(folder, tmp_path):
    cache = {}
    first = fingerprint(open_folder(folder), cache)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert fingerprint(open_folder(copy), {}) == first
    assert fingerprint(open_folder(folder), cache) == first
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "rope_theta": 5.0}))
    assert fingerprint(open_folder(folder), cache) != first
