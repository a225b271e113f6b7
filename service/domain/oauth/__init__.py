"""The rules of the authorization server (RFC 6749), without I/O: Authlib's protocol over what was
loaded beforehand."""
