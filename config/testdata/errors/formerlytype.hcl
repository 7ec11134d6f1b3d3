credsync {
  formerly = { a = 1 } # ERROR: formerly
}
