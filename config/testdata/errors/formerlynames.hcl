credsync {
  formerly = ["a/b"] # ERROR: The argument "formerly": "a/b" is not a valid project name
}
