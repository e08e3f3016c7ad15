"""Mail servers that repeat the password: it is in no error and in no log line, and in no mail."""

import logging
from pathlib import Path

import pytest
from tests.doubles.raw_receivers import Echo
from tests.support.channelling import told_by
from tests.support.mailing import to
from tests.support.planted import Search
from tests.support.planted_mails import mailers


async def test_no_password_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Echo() as echo:
        channels = list(mailers(echo, tmp_path))
        search = Search(each.name for each in channels)
        for each in channels:
            values = {f"{each.name}/{key}": value.decode() for key, value in each.values.items()}
            result = await told_by(each.spec, values, to())
            assert each.becomes in ("Sent" if result.sent else result.error), (each.name, result)
            assert search.found(repr(result)) == set(), each.name
    assert search.found(caplog.text) == set()
    (mail,) = (said.decode() for said in echo.got["email-server-taken"])
    before, _, after = mail.partition("DATA\r\n")
    assert search.found(before) == {("email-server-taken", "in base64")}, "it was told whom it is for"
    assert search.found(after) == set()
