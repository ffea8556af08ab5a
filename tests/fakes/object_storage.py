"""A bucket of object storage, as far as reading takes: Amazon S3's HeadObject, GetObject with a
range, and ListObjectsV2
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html).
"""

import re
from email.utils import format_datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests import builders

BUCKET = "exports"
_PAGE = 3  # keys of an answer: more are asked for by their token


class Bucket:
    """Its objects are the files of a folder. `refused`: keys whose content it keeps to itself."""

    def __init__(self, server: HTTPServer, folder: Path) -> None:
        self._folder = folder
        self.refused: set[str] = set()
        self.address = (
            f"s3://{BUCKET}/?scheme=http&endpoint_override={server.host}:{server.port}"
            "&region=us-east-1"
        )
        server.expect_request(f"/{BUCKET}").respond_with_handler(self._list)
        server.expect_request(f"/{BUCKET}/").respond_with_handler(self._list)
        server.expect_request(re.compile(f"^/{BUCKET}/.+")).respond_with_handler(self._object)

    def at(self, key: str) -> str:
        root, _, options = self.address.partition("?")
        return f"{root}{key}?{options}"

    def _keys(self) -> list[str]:
        found = (path for path in self._folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._folder).as_posix() for path in found)

    def _list(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response()
        prefix, after = request.args.get("prefix", ""), request.args.get("continuation-token", "")
        keys = [key for key in self._keys() if key.startswith(prefix) and key > after]
        answer = ET.Element("ListBucketResult")
        _put(answer, "Name", BUCKET)
        _put(answer, "IsTruncated", str(len(keys) > _PAGE).lower())
        if len(keys) > _PAGE:
            _put(answer, "NextContinuationToken", keys[_PAGE - 1])
        for key in keys[:_PAGE]:
            one = ET.SubElement(answer, "Contents")
            _put(one, "Key", key)
            _put(one, "LastModified", f"{builders.AS_OF:%Y-%m-%dT%H:%M:%S.000Z}")
            _put(one, "Size", str((self._folder / key).stat().st_size))
        return Response(ET.tostring(answer), content_type="application/xml")

    def _object(self, request: Request) -> Response:
        key = request.path.removeprefix(f"/{BUCKET}/")
        path = self._folder / key
        if not path.is_file():
            return Response(status=404)
        if key in self.refused and request.method == "GET":
            return Response(status=403)
        data = path.read_bytes()
        first, last = 0, len(data) - 1
        if "Range" in request.headers:
            asked = request.headers["Range"].removeprefix("bytes=").split("-")
            first, last = int(asked[0]), min(int(asked[1]), last)
        changed = {"Last-Modified": format_datetime(builders.AS_OF, usegmt=True)}
        status = 206 if "Range" in request.headers else 200
        return Response(data[first : last + 1], status, changed)


def _put(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text
