import errno
import os

import pytest

from cpc_keras.errors import InputError
from cpc_keras.storage.disk import DiskError, refusal, writing


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS, errno.EIO])
def test_whatever_library_passes_it_on_it_is_one_line_that_names_the_folder(tmp_path, code):
    reason = os.strerror(code)
    full = code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    for error in (OSError(code, reason), RuntimeError(f"Can't write data\n(errno = {code}, '{reason}')")):
        with pytest.raises(DiskError) as caught, writing(tmp_path / "file"):
            raise error
        said = str(caught.value)
        assert said.startswith(f"`{tmp_path}` must be a folder that can be written to")
        assert said.endswith(f"Received: {tmp_path / 'file'} ({reason})") and "\n" not in said
        assert ("the same command goes on when there is room" in said) == full
        assert isinstance(caught.value, InputError) and isinstance(caught.value, OSError)


def test_a_file_elsewhere_is_named_instead(tmp_path):
    said = r"`/elsewhere` must be .* Received: /elsewhere/temporary \(No space"
    with pytest.raises(DiskError, match=said), writing(tmp_path / "file"):
        raise OSError(errno.ENOSPC, "full", "/elsewhere/temporary")


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "none"), ValueError("a shape"), MemoryError()])
def test_other_errors_stay_what_they_are(tmp_path, error):
    assert refusal(error) is None
    with pytest.raises(type(error)), writing(tmp_path / "file"):
        raise error
