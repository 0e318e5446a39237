"""The pages of console and Link as bytes: their policies, their files, what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import urllib3

from mingus.simulator.config import Config
from tests.simulator.judged import judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.judged import Running


@pytest.fixture(scope="module")
def simulator() -> Iterator[Running]:
    with judged() as started:
        yield started


def get(simulator: Running, path: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", simulator.base_url + path, redirect=False, retries=False)


@pytest.mark.parametrize("path", ["/", "/link/frame", "/hl/nothing", "/link/bank/nothing"])
def test_pages_run_no_inline_script_and_no_inline_style(simulator: Running, path: str) -> None:
    answer = get(simulator, path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = answer.data.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text
    assert " onclick" not in text


def test_only_link_s_frame_may_be_embedded(simulator: Running) -> None:
    assert "frame-ancestors" not in get(simulator, "/link/frame").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in get(simulator, "/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in get(simulator, "/hl/nothing").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/link/static/nothing.js",
        "/link/static/..%2f__init__.py",
        "/console/static/..%2fpages.py",
        "/link/logo/ins_0.png",
    ],
)
def test_what_is_not_there_is_not_found(simulator: Running, path: str) -> None:
    assert get(simulator, path).status in {400, 404}


def test_every_file_that_a_page_names_is_there(simulator: Running) -> None:
    for path in ("/", "/link/frame"):
        text = get(simulator, path).data.decode()
        names = [part.split('"')[0] for part in text.replace('src="', 'href="').split('href="')[1:]]
        for name in names:
            if name.startswith("/"):
                assert get(simulator, name).status == 200, name


def test_frame_takes_no_origin_that_is_none(simulator: Running) -> None:
    text = get(simulator, '/link/frame?origin="><script>alert(1)</script>').data.decode()
    assert 'data-origin=""' in text
    assert "<script>" not in text


def test_script_names_the_address_it_was_served_from(simulator: Running) -> None:
    text = get(simulator, "/link/v2/stable/link-initialize.js").data.decode()
    assert f'SERVED_FROM = "{simulator.base_url}"' in text
    with judged(Config(public_url="https://plaid.example")) as public:
        text = get(public, "/link/v2/stable/link-initialize.js").data.decode()
        assert 'SERVED_FROM = "https://plaid.example"' in text


def test_script_takes_no_address_that_is_more_than_a_host(simulator: Running) -> None:
    headers = {"Host": 'x";alert(1);"'}
    url = f"{simulator.base_url}/link/v2/stable/link-initialize.js"
    text = urllib3.request("GET", url, headers=headers, retries=False).data.decode()
    assert "alert(1)" not in text


def test_trial_token_can_be_made_without_a_client(simulator: Running) -> None:
    url = f"{simulator.base_url}/control/link/tokens"
    assert urllib3.request("POST", url, json={}).json()["link_token"].startswith("link-sandbox-")
    assert urllib3.request("POST", url, json={"language": "tlh"}).json()["error_code"] == "INVALID_FIELD"
