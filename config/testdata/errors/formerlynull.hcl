credsync {
  formerly = ["a", null] # ERROR: a name is null
}
