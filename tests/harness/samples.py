"""Resources and bodies that tests send and get."""

from __future__ import annotations

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.v1.group_pb2 import Group
from rollbook.v1.meta_pb2 import Meta
from rollbook.v1.user_pb2 import User

ID: Final = "0198c0de-0000-7000-8000-000000000001"
ETAG: Final = 'W/"3"'
USER_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

META: Final = Meta(resource_type="User", create_time=Timestamp(seconds=1), etag=ETAG)
ADA: Final = User(id=ID, user_name="ada", active=True, meta=META)
TEAM: Final = Group(id=ID, display_name="Team", meta=META)
CREATE: Final = {"schemas": [USER_SCHEMA], "userName": "ada"}
DEACTIVATE: Final = {
    "schemas": [PATCH_SCHEMA],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}
RENAME: Final = {
    "schemas": [PATCH_SCHEMA],
    "Operations": [{"op": "replace", "path": "displayName", "value": "Team"}],
}
