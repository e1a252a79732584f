"""The all-in-one mode's folder: one launcher at a time, secrets made once and kept private."""

import os
import stat
import subprocess
import sys

import pytest

from webapp.installation import KEYS, AlreadyRunningError, Installation


def test_secrets_are_made_once_and_private(tmp_path):
    installation = Installation(tmp_path / "var")
    installation.claim()
    made = installation.secrets()
    assert set(KEYS) <= set(made)
    assert len(set(made.values())) == len(KEYS), "each its own"
    assert min(map(len, made.values())) >= 32
    assert Installation(tmp_path / "var").secrets() == made
    assert stat.S_IMODE(installation.secrets_file.stat().st_mode) == 0o600
    installation.release()


def test_a_kept_secret_stays_beside_the_others(tmp_path):
    installation = Installation(tmp_path)
    installation.claim()
    made = installation.secrets()
    installation.keep("DEMO_TOKEN", "a-token")
    assert installation.secrets() == made | {"DEMO_TOKEN": "a-token"}
    installation.release()


def test_second_launcher_is_told_who_holds_the_folder(tmp_path):
    first = Installation(tmp_path)
    first.claim()
    first.describe("process 42, http://127.0.0.1:8000")
    with pytest.raises(AlreadyRunningError, match=r"process 42.*--data"):
        Installation(tmp_path).claim()
    first.release()
    second = Installation(tmp_path)
    second.claim()
    second.release()


def test_children_do_not_hold_the_lock(tmp_path):
    first = Installation(tmp_path)
    first.claim()
    code = "import sys; print('runs', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        close_fds=False,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "runs\n"  # before its exec it shares all our files
        first.release()
        second = Installation(tmp_path)
        second.claim()
        second.release()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_of_somebody_else_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        Installation(tmp_path / "var").claim()
