"""What the authorization server keeps."""
