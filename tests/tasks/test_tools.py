"""Tools are found where they are, and what cannot be run is said."""

import os

import pytest

from estate.errors import ToolFailed, ToolMissing, ToolNotAllowed
from tasks.supervisor import supervise


def test_a_missing_tool_comes_with_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr("tasks.tools._SEARCHED", ())
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolMissing, match="sudo apt-get install nmap"):
        supervise(["nmap"], deadline=10)


def test_a_relative_search_path_never_finds_a_tool(monkeypatch, tmp_path):
    (tmp_path / "planted").write_text("#!/bin/sh\n")
    (tmp_path / "planted").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")

    with pytest.raises(ToolMissing):
        supervise(["planted"], deadline=10)


def test_a_file_that_is_no_program_is_said_to_be_none(tmp_path):
    program = tmp_path / "tool"
    program.write_bytes(b"\x7fELF\x00")
    program.chmod(0o755)

    with pytest.raises(ToolFailed, match=r"cannot be started: Exec format error"):
        supervise([str(program)], deadline=10)


def test_a_program_that_we_may_not_run_is_a_missing_right(tmp_path):
    program = tmp_path / "tool"
    program.write_text(f"#!{tmp_path}\n")
    program.chmod(0o755)

    with pytest.raises(ToolNotAllowed, match="Permission denied"):
        supervise([str(program)], deadline=10)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ToolFailed, match="nowhere"):
        supervise(["true"], deadline=10, cwd=tmp_path / "nowhere")
