credsync {
  formerly = ["a/b"] # ERROR: The argument "formerly": "a/b" cannot be a project's name
}
