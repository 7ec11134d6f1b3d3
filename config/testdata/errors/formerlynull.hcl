credsync {
  formerly = ["a", null] # ERROR: Invalid value for an argument; The argument "formerly": has an element that is null.
}
